"""Running the service: a bound socket, loaded workers, uvicorn, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import uvicorn

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.errors import InvalidOption
from runtime_core.server.application import Server, build_application
from runtime_core.workers import Workers

_KEEP_ALIVE_SECONDS = 60
_GRACE_SECONDS = 30  # what a running call may still take after SIGTERM
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
    *, catalog: Catalog, config: RuntimeConfig, workers: Workers, address: socket.socket
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs and return.

    Errors are those of loading the Tesseract; no request is taken before it has loaded.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(catalog, config, workers, address))
        except KeyboardInterrupt:
            pass  # Ctrl-C is how a server is meant to be stopped in a terminal


async def _serve(
    catalog: Catalog, config: RuntimeConfig, workers: Workers, address: socket.socket
) -> None:
    async with workers, AsyncExitStack() as lifespans:
        application = build_application(Server(catalog=catalog, config=config, workers=workers))
        for lifespan in application.lifespans:
            await lifespans.enter_async_context(lifespan())
        settings = uvicorn.Config(
            application.asgi,
            access_log=False,
            lifespan="off",  # it is ours, so that it ends in order when uvicorn is hurried
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        service = AnnouncedServer(settings, config.name)
        # uvicorn raises the signal again that ended it, to whatever was installed before.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.handle_exit)
        _listen(address)
        await service.serve(sockets=[address])


class AnnouncedServer(uvicorn.Server):
    """Says where it serves once it does, and hears signals from then on."""

    def __init__(self, settings: uvicorn.Config, name: str) -> None:
        super().__init__(settings)
        self._name = name

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and tell where."""
        await super().startup(sockets)
        for address in sockets or ():
            host, port = address.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
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
