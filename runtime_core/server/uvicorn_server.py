"""Running the service: a bound socket, loaded workers, uvicorn, and a clean end."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.errors import InvalidOption
from runtime_core.server.application import build_application
from runtime_core.server.http_protocol import BoundedHttpProtocol
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from runtime_core.workers import Workers

_KEEP_ALIVE_SECONDS = 60
_SECONDS_TO_ANSWER = 10  # for slow readers, after calls have been cut short
_BACKLOG = 2048


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; `InvalidOption` if that cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _not_served(host, port, error) from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise _not_served(host, port, error) from None
    return bound


def serve(
    *,
    catalog: Catalog,
    config: RuntimeConfig,
    options: ServeOptions,
    workers: Workers,
    address: socket.socket,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs and return.

    Errors are those of loading the Tesseract; no request is taken before it has loaded.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(catalog, config, options, workers, address))
        except KeyboardInterrupt:
            pass  # Ctrl-C is how a server is meant to be stopped in a terminal


async def _serve(
    catalog: Catalog,
    config: RuntimeConfig,
    options: ServeOptions,
    workers: Workers,
    address: socket.socket,
) -> None:
    async with workers, AsyncExitStack() as lifespans:
        server = Server(catalog=catalog, config=config, options=options, workers=workers)
        application = build_application(server)
        for lifespan in application.lifespans:
            await lifespans.enter_async_context(lifespan())
        settings = uvicorn.Config(
            application.asgi,
            http=BoundedHttpProtocol,
            access_log=False,
            lifespan="off",  # it is ours, so that it ends in order when uvicorn is hurried
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(options.shutdown_grace) + _SECONDS_TO_ANSWER,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
        )
        service = AnnouncedServer(
            settings,
            config.name,
            grace=options.shutdown_grace,
            stop_reading=server.bodies.stop,
            cut_short=workers.cut_short,
        )
        # uvicorn raises the signal again that ended it, to whatever was installed before.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.handle_exit)
        gc.collect()
        gc.freeze()  # what has been loaded stays: no need to look through it again and again
        _listen(address)
        await service.serve(sockets=[address])


class AnnouncedServer(uvicorn.Server):
    """Says where it serves once it does, and hears signals from then on.

    After the first signal calls have `grace` seconds, after another one none: they are cut short
    and answered all the same.
    """

    def __init__(
        self,
        settings: uvicorn.Config,
        name: str,
        *,
        grace: float,
        stop_reading: Callable[[], None],
        cut_short: Callable[[], None],
    ) -> None:
        super().__init__(settings)
        self._stop_reading = stop_reading
        self._name = name
        self._grace = grace
        self._cut_short = cut_short

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or hurry."""
        if self.should_exit:
            asyncio.get_running_loop().call_soon_threadsafe(self._cut_short)
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs come to its end, in time; what has not arrived yet will not run."""
        self._stop_reading()
        hurry = asyncio.get_running_loop().call_later(self._grace, self._cut_short)
        await super().shutdown(sockets)
        hurry.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and tell where."""
        await super().startup(sockets)
        for address in sockets or ():
            host, port = address.getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
            print(f"Serving {self._name} on {url} (Ctrl-C ends it).", file=sys.stderr)


def _listen(address: socket.socket) -> None:
    try:
        address.listen(_BACKLOG)
    except OSError as error:  # somebody else took it while the Tesseract loaded
        host, port = address.getsockname()[:2]
        raise _not_served(host, port, error) from None


def _not_served(host: str, port: int, error: Exception) -> InvalidOption:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidOption(
        f"Cannot serve on {host}:{port}: {reason}. Choose another with --port or --host."
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # not to be had everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop
