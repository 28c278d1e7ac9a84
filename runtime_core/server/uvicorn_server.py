"""Running the service with uvicorn: start, announcement, signals and shutdown."""

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

from runtime_core.errors import InvalidOption
from runtime_core.server.application import Application, build_application
from runtime_core.server.http_protocol import BoundedHttpProtocol
from runtime_core.server.server import Server

_KEEP_ALIVE_SECONDS = 60
_SECONDS_TO_ANSWER = 10  # for slow readers, after calls have been cut short
_BACKLOG = 2048


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; `InvalidOption` if it cannot be bound."""
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


def serve(server: Server, address: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running calls and return.

    Errors are those of loading the Tesseract; no request is taken before it has loaded.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(server, address))
        except KeyboardInterrupt:
            pass  # Ctrl-C is how a server is meant to be stopped in a terminal


async def _serve(server: Server, address: socket.socket) -> None:
    async with server.workers, AsyncExitStack() as lifespans:
        application = build_application(server)
        for lifespan in application.lifespans:
            await lifespans.enter_async_context(lifespan())
        service = UvicornServer(_settings(server, application), server)
        # uvicorn raises the signal again that ended it, to whatever was installed before.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.handle_exit)
        gc.collect()
        gc.freeze()  # what has been loaded stays: no need to look through it again and again
        _listen(address)
        await service.serve(sockets=[address])


def _settings(server: Server, application: Application) -> uvicorn.Config:
    options = server.options
    return uvicorn.Config(
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


class UvicornServer(uvicorn.Server):
    """Announces its address once it serves, and handles signals from then on.

    The first signal leaves `--shutdown-grace` to the running calls. Another one ends them at once;
    they are answered all the same.
    """

    def __init__(self, settings: uvicorn.Config, server: Server) -> None:
        super().__init__(settings)
        self._server = server

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; at the second signal, stop the running calls."""
        if self.should_exit:
            asyncio.get_running_loop().call_soon_threadsafe(self._server.workers.cut_short)
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse the bodies that still arrive, and wait for the running calls."""
        self._server.bodies.stop()
        loop, workers = asyncio.get_running_loop(), self._server.workers
        hurry = loop.call_later(self._server.options.shutdown_grace, workers.cut_short)
        await super().shutdown(sockets)
        hurry.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and announce the address."""
        await super().startup(sockets)
        name = self._server.config.name
        for address in sockets or ():
            host, port = address.getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
            print(f"Serving {name} on {url} (Ctrl-C ends it).", file=sys.stderr)


def _listen(address: socket.socket) -> None:
    try:
        address.listen(_BACKLOG)
    except OSError as error:  # another process took it while the Tesseract loaded
        host, port = address.getsockname()[:2]
        raise _not_served(host, port, error) from None


def _not_served(host: str, port: int, error: Exception) -> InvalidOption:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidOption(
        f"Cannot serve on {host}:{port}: {reason}. Choose another with --port or --host."
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # optional: not available on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
