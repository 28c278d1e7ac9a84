"""One worker as its supervisor sees it: a process and a connection to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runtime_core.contracts import Call, Reply
from runtime_core.description import Description
from runtime_core.errors import WorkerDied
from runtime_core.faults import RaisedFault
from runtime_core.plugins import PluginSelection
from runtime_core.workers.messages import ConnectionEnded, Message, receive_async, send_async
from runtime_core.workers.protocol import FAILED, START, call_message, read_fault, read_reply

_STDERR = 2
_SECONDS_TO_END = 5.0
_SECONDS_TO_FALL = 0.2


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What a worker needs to load the same Tesseract with the same plugins.

    `config` is what `config.dump` returned, `loaded` what `loaded_plugins` says of the supervisor.
    """

    config: Mapping[str, Any]
    plugins: PluginSelection
    loaded: Sequence[str]

    def start_message(self) -> Message:
        """Return the first message to a worker."""
        return Message(
            kind=START,
            data={
                "config": self.config,
                "disabled_plugins": sorted(self.plugins.disabled),
                "strict_plugins": self.plugins.strict,
                "loaded_plugins": list(self.loaded),
            },
        )


class WorkerProcess:
    """A started worker. It leads a session of its own, so that Ctrl-C does not reach user code."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self._ended: asyncio.Future[int] = asyncio.ensure_future(asyncio.to_thread(process.wait))
        self._ended.add_done_callback(lambda _: self._hang_up())

    @property
    def has_ended(self) -> bool:
        """Say whether the process has ended."""
        return self._ended.done()

    @classmethod
    def launch(cls) -> WorkerProcess:
        """Start a process in a running event loop on the main thread.

        The end of the thread would end the worker too.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "runtime_core.workers.child",
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=_STDERR,
                start_new_session=True,
            )
        ours.setblocking(False)
        return cls(process, ours)

    async def load(self, settings: WorkerSettings) -> Description:
        """Let the worker load the Tesseract; what goes wrong there is raised here."""
        answer = await self._exchange(settings.start_message(), "while it loaded the Tesseract")
        if answer.kind == FAILED:
            fault = read_fault(answer.data)
            assert fault is not None  # a failure always says why
            raise RaisedFault(fault)
        return Description.from_data(answer.data)

    async def call(self, call: Call) -> Reply:
        """Compute a call; `WorkerDied` if the process ends before it has answered."""
        return read_reply(await self._exchange(call_message(call), "during the call"))

    async def stop(self) -> None:
        """End the process: a worker that is idle ends by itself, any other is killed."""
        self._connection.close()
        await asyncio.wait([self._ended], timeout=_SECONDS_TO_END)
        await self.kill()  # what is left: the worker, or programs that user code has started

    async def kill(self) -> None:
        """End the process and everything in its group at once; a call in it fails by that."""
        with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter
            os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.wait([self._ended])

    def _hang_up(self) -> None:
        """End the connection with the process: its own children may hold the other end open."""
        with suppress(OSError):  # it may be closed already
            self._connection.shutdown(socket.SHUT_RDWR)

    async def _exchange(self, message: Message, moment: str) -> Message:
        try:
            await send_async(self._connection, message)
            return await receive_async(self._connection)
        except ConnectionEnded:
            await asyncio.wait([self._ended], timeout=_SECONDS_TO_FALL)  # it tells how it ended
            await self.kill()
            self._connection.close()
            raise WorkerDied(
                f"The worker process ended {moment} ({self._how_it_ended()})."
            ) from None

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        return f"signal {signal.Signals(-code).name}"
