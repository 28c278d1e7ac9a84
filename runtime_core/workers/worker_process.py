"""One worker as its supervisor sees it: a process, a connection and its output."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from runtime_core.calls.faults import RaisedFault
from runtime_core.contracts import Call, Description, Reply
from runtime_core.errors import WorkerDied
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.workers.connection import Connection
from runtime_core.workers.framing import ConnectionEnded, Message
from runtime_core.workers.message_types import (
    ANSWER,
    BODY,
    CANCEL,
    FAILED,
    REPLY,
    SEGMENT,
    SKIPPED,
    START,
    WRITTEN,
    call_message,
    outcome_of,
    read_fault,
    read_reply,
    read_tree,
    tree_message,
)
from runtime_core.workers.process_exit import end_of, settle
from runtime_core.workers.queued_call import QueuedCall
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer, SharedBufferPool
from runtime_core.workers.supervised_process import end_text, kill_group, launched
from runtime_core.workers.worker_output import WorkerOutput

if TYPE_CHECKING:
    from runtime_core.workers.pool import WorkerPool

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
    """A started worker. It leads a session of its own, so that Ctrl-C does not reach user code.

    It computes one call, and the next one may lie in its socket: that has not begun before the
    reply to the first has come.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        endpoint: socket.socket,
        output: WorkerOutput,
        buffers: SharedBufferPool,
        pool: WorkerPool,
    ) -> None:
        self.output = output
        self.load_seconds = 0.0
        self._process = process
        self._connection = Connection(endpoint, received=self._receive, ended=self._mourn)
        self._buffers = buffers
        self._pool = pool
        self._answer_buffer: SharedBuffer | None = None  # for the next large answer
        self._attached: dict[int, int] = {}  # descriptors that go with the next call
        self._number = 0  # of the last call that was sent
        self._current: QueuedCall | None = None
        self._ahead: QueuedCall | None = None
        self._loaded: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._closing: asyncio.Task[None] | None = None  # what remains to be done for a call
        self._has_loaded = self._is_killed = False
        self._freed: asyncio.Future[None] | None = None  # for the end of the output
        self._ended = end_of(process)
        self._ended.add_done_callback(lambda _: self._connection.hang_up())

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, or is about to."""
        return self._is_killed or self._ended.done()

    @property
    def is_idle(self) -> bool:
        """Whether the worker has no call and has forwarded the output of the last one."""
        return self._current is None and self._ahead is None and self._closing is None

    @property
    def has_ahead(self) -> bool:
        """Whether the worker has been sent a call that it has not begun."""
        return self._ahead is not None

    def when_ended(self, act: Callable[[WorkerProcess], None]) -> None:
        """Call a function once the process has ended."""
        self._ended.add_done_callback(lambda _: act(self))

    @classmethod
    def launch(
        cls, buffers: SharedBufferPool, supervisor: RunSupervisor, pool: WorkerPool
    ) -> WorkerProcess:
        """Start a process in a running event loop; it ends with the thread that starts it."""
        output = WorkerOutput(supervisor)
        process, ours = launched("runtime_core.workers.worker_main", output.descriptor)
        return cls(process, ours, output, buffers, pool)

    async def load(self, settings: WorkerSettings) -> Description:
        """Let the worker load the Tesseract; errors of loading are raised here."""
        start = time.perf_counter()
        self._connection.send(tree_message(START, asdict(settings)))
        try:
            answer = await self._loaded
        except ConnectionEnded:  # the operator may read the output
            error = await self._death("while it loaded the Tesseract")
            raise WorkerDied(f"{error} The end of its output:\n{error.output}") from None
        self.load_seconds = time.perf_counter() - start
        if answer.kind == FAILED:
            raise RaisedFault(read_fault(read_tree(answer)))
        self._has_loaded = True
        return Description.from_data(read_tree(answer))

    def begin(self, queued: QueuedCall) -> None:
        """Begin to compute a call, whose body must stay until it is finished.

        Output is written to the log of its run from now on. `OSError` if this process has too many
        files open; then the call has not begun.
        """
        call = queued.call
        if self._answer_buffer is None:
            self._answer_buffer = self._buffers.lease()
            self._attached[ANSWER] = self._answer_buffer.descriptor
        self.output.prepare(self._attached)
        body = self._buffers.holding(call.body)
        attached, self._attached = self._attached, {}
        if body is not None:
            attached[BODY] = body.descriptor
        if call.segment is not None:
            attached[SEGMENT] = call.segment.descriptor
        self._number += 1
        self._compute(queued)
        self._connection.send(call_message(self._number, call, attached, queued.limit))
        if self._connection.has_ended:
            self._mourn()

    def takes_ahead(self, call: Call) -> bool:
        """Check whether a call can be sent before the current one has been answered."""
        return (
            self._current is not None
            and self._ahead is None
            and memoryview(call.body).nbytes < SMALLEST
            and call.segment is None
            and not self.has_ended
        )

    def send_ahead(self, queued: QueuedCall) -> None:
        """Send a call that is computed after the current one."""
        self._ahead = queued
        self._number += 1
        message = call_message(self._number, queued.call, {}, queued.limit, ahead=True)
        self._connection.send(message)

    def cancel(self, queued: QueuedCall) -> None:
        """Let the worker skip a call that was sent ahead, unless it has begun."""
        if self._ahead is queued:
            self._connection.send(Message(kind=CANCEL, number=self._number))

    def take_ahead(self) -> QueuedCall | None:
        """Return the call that a dead worker has not begun, if any."""
        queued, self._ahead = self._ahead, None
        self._free()
        return queued

    def shrink(self) -> None:
        """Free the memory for the next answer; an idle worker has no view of it."""
        if self._answer_buffer is not None:
            self._answer_buffer.empty()

    def catch_up(self) -> None:
        """Take a reply that has come: its call must not cost the worker, nor the call behind it."""
        self._connection.read()

    def kill(self) -> None:
        """End the process and its group at once; its call fails."""
        self._is_killed |= not self._ended.done()  # else it has ended by itself
        kill_group(self._process.pid)

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
        if not self.is_idle:  # a call that has not noticed the end yet needs them
            self._freed = asyncio.get_running_loop().create_future()
            await self._freed
        if self._answer_buffer is not None:
            self._buffers.release(self._answer_buffer)
            self._answer_buffer = None
        await self.output.finish()

    def _compute(self, queued: QueuedCall) -> None:
        self._current = queued
        queued.begin(self)
        self.output.begin(queued.run)

    def _receive(self, message: Message) -> None:
        if not self._loaded.done():
            self._loaded.set_result(message)
            return
        queued = self._current or self._ahead
        number = self._number - (self._current is not None and self._ahead is not None)
        if queued is None or (message.kind, message.number) != (REPLY, number):
            self._connection.end()  # another process holds it open
            return
        outcome, size = outcome_of(message)
        if self._current is None:  # the call before it has written output
            self._ahead = None
            self._pool.skipped(queued)
            self._go_on()
            return
        self._current = None
        if outcome & SKIPPED:
            self._compute_next()
            self._pool.skipped(queued)
            return
        shared = None
        if size and self._answer_buffer is not None:
            shared, self._answer_buffer = self._answer_buffer.view(size), None
        reply = read_reply(message, queued.call, shared, queue=queued.queue_seconds)
        if outcome & WRITTEN:
            self._closing = asyncio.ensure_future(self._follow(queued, reply))
            return
        self._compute_next()
        self._pool.computed(queued, reply)

    def _compute_next(self) -> None:
        # Without a buffer for a large answer, the worker skips the call; another one may get it.
        if self._ahead is not None and self._answer_buffer is not None and not self._is_killed:
            ahead, self._ahead = self._ahead, None
            self._compute(ahead)
        self._go_on()

    async def _follow(self, queued: QueuedCall, reply: Reply) -> None:
        """Forward the output of a call before it is answered."""
        await self.output.follow()
        self._close(queued, reply)

    def _close(self, queued: QueuedCall, reply: Reply) -> None:
        self._closing = None
        self._pool.show_output(self)
        self._go_on()
        self._pool.computed(queued, reply)

    def _go_on(self) -> None:
        """Take another call, unless the output of the last one is still being forwarded."""
        if self.is_idle:
            self.output.end()
            self._free()
        self._pool.supply(self)

    def _free(self) -> None:
        if self._freed is not None and self.is_idle:
            settle(self._freed, None)

    def _mourn(self) -> None:
        """Find out why the process has ended."""
        if not self._loaded.done():
            self._loaded.set_exception(ConnectionEnded())
        elif self._current is None:
            self.kill()
        elif self._closing is None:
            self._closing = asyncio.ensure_future(self._bury(self._current))

    async def _bury(self, queued: QueuedCall) -> None:
        error = await self._death("during the call")
        await self.output.follow()
        self._current = None
        self._close(queued, queued.refusal(error))

    async def _death(self, moment: str) -> WorkerDied:
        """Return the error of a worker whose connection has ended, with its exit code."""
        await asyncio.wait([self._ended], timeout=_SECONDS_TO_FALL)
        by_runtime = self._is_killed
        await self.killed()
        end = "stopped by the runtime" if by_runtime else end_text(self._process.returncode)
        output = self.output.tail(_TAIL).strip()
        return WorkerDied(f"The worker process ended {moment} ({end}).", output=output)
