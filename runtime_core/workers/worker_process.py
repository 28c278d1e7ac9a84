"""One worker as its supervisor sees it: a process, a connection and its output."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from runtime_core.calls.faults import RaisedFault
from runtime_core.contracts import Call, Description, Reply, Run
from runtime_core.errors import WorkerDied
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.workers.connection import Connection
from runtime_core.workers.framing import ConnectionEnded, Message
from runtime_core.workers.message_types import (
    ANSWER,
    BODY,
    FAILED,
    SEGMENT,
    START,
    call_message,
    is_in_shared_buffer,
    read_fault,
    read_reply,
)
from runtime_core.workers.process_exit import end_of
from runtime_core.workers.shared_memory import SharedBuffer, SharedBufferPool
from runtime_core.workers.worker_output import WorkerOutput

_SECONDS_TO_END = 5.0
_SECONDS_TO_FALL = 0.2
_TAIL = 2000  # bytes of output that the message of a death shows


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """The settings with which a worker loads the same Tesseract with the same plugins.

    `config` is the result of `config.dump`, `loaded` that of `loaded_plugins` in the supervisor.
    A worker that is not `confined` may read all files that its user may read.
    """

    config: Mapping[str, Any]
    plugins: PluginSelection
    loaded: Sequence[str]
    confined: bool = True


class WorkerProcess:
    """A started worker. It leads a session of its own, so that Ctrl-C does not reach user code."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        connection: Connection,
        output: WorkerOutput,
        buffers: SharedBufferPool,
    ) -> None:
        self.output = output
        self.load_seconds = 0.0
        self._process = process
        self._connection = connection
        self._buffers = buffers
        self._answer_buffer: SharedBuffer | None = None  # for the next large answer
        self._attached: dict[str, int] = {}  # descriptors that go with the next call
        self._number = 0  # of the last call
        self._has_loaded = self._is_killed = False
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._ended = end_of(process)
        self._ended.add_done_callback(lambda _: self._connection.hang_up())

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, or is about to."""
        return self._is_killed or self._ended.done()

    def when_ended(self, act: Callable[[WorkerProcess], None]) -> None:
        """Call a function once the process has ended."""
        self._ended.add_done_callback(lambda _: act(self))

    @classmethod
    def launch(cls, buffers: SharedBufferPool, supervisor: RunSupervisor) -> WorkerProcess:
        """Start a process in a running event loop; it ends with the thread that starts it."""
        ours, theirs = socket.socketpair()
        output = WorkerOutput(supervisor)
        module = "runtime_core.workers.worker_main"
        with theirs:
            numbers = [str(theirs.fileno()), str(os.getpid())]
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *numbers],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output.descriptor,
                stderr=output.descriptor,
                start_new_session=True,
            )
        return cls(process, Connection(ours), output, buffers)

    async def load(self, settings: WorkerSettings) -> Description:
        """Let the worker load the Tesseract; errors of loading are raised here."""
        start = time.perf_counter()
        self._connection.ask(Message(kind=START, data=asdict(settings)))
        try:
            answer = await self._answer_to(None, "while it loaded the Tesseract")
        except WorkerDied as error:  # the operator may read it
            raise WorkerDied(f"{error} The end of its output:\n{error.output}") from None
        self.load_seconds = time.perf_counter() - start
        if answer.kind == FAILED:
            raise RaisedFault(read_fault(answer.data))
        self._has_loaded = True
        return Description.from_data(answer.data)

    def begin(self, call: Call, run: Run) -> None:
        """Begin to compute a call, whose body must stay until it is finished.

        Output is written to the log of its run from now on. `OSError` if this process has too many
        files open; then the call has not begun.
        """
        if self._answer_buffer is None:
            self._answer_buffer = self._buffers.lease()
            self._attached[ANSWER] = self._answer_buffer.descriptor
        self.output.prepare(self._attached)
        body = self._buffers.holding(call.body)
        attached = {} if body is None else {BODY: body.descriptor}
        if call.segment is not None:
            attached[SEGMENT] = call.segment.descriptor
        attached |= self._attached
        self._attached.clear()
        self._is_free.clear()
        self.output.begin(run)
        self._number += 1
        self._connection.ask(call_message(self._number, call, attached))

    async def finish(self) -> Reply:
        """Wait for the end of the call; `WorkerDied` if the process ends before it has answered.

        Output and records have been forwarded then. The caller must release the body of the reply.
        When its task is cancelled, another task must await `finish` again, for the same end.
        """
        try:
            answer = await self._answer_to(self._number, "during the call")
        except WorkerDied:
            await self.output.follow()
            await self.output.close_run()
            self._end_call()
            raise
        await self.output.follow()
        self._end_call()
        buffer = self._answer_buffer
        assert buffer is not None  # it is kept until no call is under way
        if is_in_shared_buffer(answer):
            self._answer_buffer = None
        return read_reply(answer, buffer)

    def shrink(self) -> None:
        """Free the memory for the next answer; an idle worker has no view of it."""
        if self._answer_buffer is not None:
            self._answer_buffer.empty()

    def kill(self) -> None:
        """End the process and its group at once; its call fails."""
        self._is_killed = True
        with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the process: an idle worker ends by itself, any other is killed."""
        self._connection.close()
        if self._has_loaded:
            await asyncio.wait([self._ended], timeout=_SECONDS_TO_END)
        await self.killed()  # the worker, or programs that user code has started

    async def killed(self) -> None:
        """Kill the process and wait until it has ended."""
        self.kill()
        await asyncio.wait([self._ended])

    async def finish_output(self) -> None:
        """Show the rest of the output after the process has ended, and free its files."""
        await self._is_free.wait()  # a call that has not noticed the end yet needs them
        if self._answer_buffer is not None:
            self._buffers.release(self._answer_buffer)
            self._answer_buffer = None
        await self.output.finish()

    def _end_call(self) -> None:
        self.output.end()
        self._is_free.set()

    async def _answer_to(self, number: int | None, moment: str) -> Message:
        try:
            answer = await self._connection.answer()
            if answer.data.get("number") == number:
                return answer
        except ConnectionEnded:
            await asyncio.wait([self._ended], timeout=_SECONDS_TO_FALL)  # for its exit code
        by_runtime = self._is_killed
        # Any other answer comes from another process, which holds the connection open.
        await self.killed()
        end = "stopped by the runtime" if by_runtime else _end_text(self._process.returncode)
        output = self.output.tail(_TAIL).strip()
        raise WorkerDied(f"The worker process ended {moment} ({end}).", output=output)


def _end_text(code: int) -> str:
    """Return the exit code of a process, or the signal that ended it.

    >>> _end_text(3), _end_text(-9)
    ('exit code 3', 'signal SIGKILL')
    """
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
