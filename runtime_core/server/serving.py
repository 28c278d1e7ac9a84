"""Running the service: a bound socket, loaded workers, uvicorn, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

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
        raise InvalidOption(f"Cannot serve on {host}:{port}: {_reason(error)}.") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise InvalidOption(
            f"Cannot serve on {host}:{port}: {_reason(error)}. Choose another with --port or "
            "--host."
        ) from None
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
    async with workers:
        server = Server(catalog=catalog, config=config, workers=workers)
        settings = uvicorn.Config(
            build_application(server),
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        address.listen(_BACKLOG)
        _announce(config, address)
        # uvicorn raises the signal again that ended it; by then there is nothing more to end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _nothing)
        await uvicorn.Server(settings).serve(sockets=[address])


def _nothing(number: int, frame: FrameType | None) -> None:
    pass


def _announce(config: RuntimeConfig, address: socket.socket) -> None:
    host, port = address.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"Serving {config.name} on http://{shown}:{port} (Ctrl-C ends it).", file=sys.stderr)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # not to be had everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
