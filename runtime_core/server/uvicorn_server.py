"""Running the service with uvicorn: start, announcement, signals and shutdown."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from types import FrameType

import uvicorn

from runtime_core.contracts import ServerParts
from runtime_core.errors import PluginFailed
from runtime_core.server.addresses import Address
from runtime_core.server.announcement import announce, announce_stop, logged_with_times
from runtime_core.server.application import Application, build_application, extension_parts
from runtime_core.server.connection_limit import ConnectionLimit
from runtime_core.server.http_protocol import BoundedHttpProtocol
from runtime_core.server.server import Server

_KEEP_ALIVE_SECONDS = 60
_SECONDS_TO_ANSWER = 10  # for slow readers, after calls have been cut short

_SWITCH_SECONDS = 0.0005
"""The time after which a thread that computes, such as an observer, gives way to the event loop."""

_REUSED = 8 << 20
"""Blocks of up to so many bytes are reused by malloc, rather than mapped anew for each piece."""


def serve(server: Server, address: Address) -> None:
    """Load the Tesseract, serve until SIGTERM or SIGINT, and finish the running calls."""
    # Ctrl-C is the usual way to stop a server in a terminal.
    with (
        logged_with_times(server.options.log_format),
        asyncio.Runner(loop_factory=_loop_factory()) as runner,
        suppress(KeyboardInterrupt),
    ):
        runner.run(_serve(server, address))


async def _serve(server: Server, address: Address) -> None:
    async with server.workers, AsyncExitStack() as lifespans:
        parts = await entered_parts(server, lifespans)
        application = build_application(server, parts)
        service = UvicornServer(_settings(server, application), server, address)
        server.report_plugins()
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.collect()
        gc.freeze()  # loaded modules stay: the collector need not examine them each time
        bytes(_REUSED)  # glibc's threshold is the largest block freed so far: see mallopt(3)
        address.listen()
        # uvicorn raises the signal that ended it again, for the handler installed before.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
                signal.signal(number, service.handle_exit)
        with server.segments.served():
            async with server.observers:
                await service.serve(sockets=[address.listener])


async def entered_parts(server: Server, lifespans: AsyncExitStack) -> dict[str, ServerParts]:
    """Enter the lifespans of the extensions; return the parts of those that do not fail."""
    parts = extension_parts(server)
    for name, part in [*parts.items()]:
        if part.lifespan is None:
            continue
        lifespan = part.lifespan()
        try:
            await lifespan.__aenter__()
        except PluginFailed as fault:
            server.leave_out(fault)
            del parts[name]
        else:
            lifespans.push_async_callback(_exit, lifespan, server)
    return parts


async def _exit(lifespan: AbstractAsyncContextManager[None], server: Server) -> None:
    try:
        await lifespan.__aexit__(None, None, None)
    except PluginFailed as fault:
        server.report(str(fault))


def _settings(server: Server, application: Application) -> uvicorn.Config:
    options = server.options
    limit = ConnectionLimit(options.max_connections)
    return uvicorn.Config(
        application,
        http=partial(  # type: ignore[arg-type]  # as a class
            BoundedHttpProtocol, limit=limit, direct_calls=application.direct_calls
        ),
        access_log=False,
        lifespan="off",  # we enter it, so that it ends in order even if uvicorn is interrupted
        log_level="warning",
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(options.shutdown_grace) + _SECONDS_TO_ANSWER,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
    )


class UvicornServer(uvicorn.Server):
    """Announces its address once it serves, and handles signals from then on.

    The first signal leaves `--shutdown-grace` to the running calls. Another one ends them at once,
    with an answer.
    """

    def __init__(self, settings: uvicorn.Config, server: Server, address: Address) -> None:
        super().__init__(settings)
        self._server = server
        self._address = address

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; at the second signal, stop the running calls."""
        if self.should_exit:
            asyncio.get_running_loop().call_soon_threadsafe(self._server.workers.cut_short)
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse the bodies that still arrive, and wait for the running calls."""
        announce_stop(self._server)
        self._server.bodies.stop()
        loop, workers = asyncio.get_running_loop(), self._server.workers
        hurry = loop.call_later(self._server.options.shutdown_grace, workers.cut_short)
        await super().shutdown(sockets)
        hurry.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and announce the address."""
        await super().startup(sockets)
        announce(self._server, self._address.url("https" if self.config.is_ssl else "http"))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):  # optional: not available on every platform
        import uvloop

        return uvloop.new_event_loop
    return None
