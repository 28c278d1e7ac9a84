"""One worker as its supervisor sees it: a process and a connection to it."""

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
from dataclasses import dataclass
from typing import Any

from runtime_core.calls.faults import RaisedFault
from runtime_core.contracts import Call
from runtime_core.contracts import Description
from runtime_core.contracts import Reply
from runtime_core.contracts import Run
from runtime_core.errors import WorkerDied
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.workers.captured_output import CapturedOutput
from runtime_core.workers.connection import Connection
from runtime_core.workers.framing import ConnectionEnded, Message
from runtime_core.workers.message_types import (
    ANSWER,
    BODY,
    FAILED,
    RECORDS,
    START,
    STREAMS,
    call_message,
    is_in_segment,
    read_fault,
    read_reply,
)
from runtime_core.workers.process_exit import end_of
from runtime_core.workers.record_file import RecordReader
from runtime_core.workers.shared_memory import SharedBuffer, SharedBufferPool

_SECONDS_TO_END = 5.0
_SECONDS_TO_FALL = 0.2
_TAIL = 2000  # bytes of output that the message of a death shows


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What a worker needs to load the same Tesseract with the same plugins.

    `config` is what `config.dump` returned, `loaded` what `loaded_plugins` says of the supervisor.
    A worker that is not `confined` computes for the user of its supervisor, who may read any file.
    """

    config: Mapping[str, Any]
    plugins: PluginSelection
    loaded: Sequence[str]
    confined: bool = True

    def start_message(self) -> Message:
        """Return the first message to a worker."""
        return Message(
            kind=START,
            data={
                "config": self.config,
                "confined": self.confined,
                "disabled_plugins": sorted(self.plugins.disabled),
                "strict_plugins": self.plugins.strict,
                "loaded_plugins": list(self.loaded),
            },
        )


@dataclass(frozen=True, kw_only=True)
class LeasedReply:
    """A reply, and the segment that its body lies in until that is released."""

    reply: Reply
    segment: SharedBuffer | None = None


class WorkerProcess:
    """A started worker. It leads a session of its own, so that Ctrl-C does not reach user code."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        connection: Connection,
        streams: CapturedOutput,
        segments: SharedBufferPool,
        supervisor: RunSupervisor,
    ) -> None:
        self.load_seconds = 0.0
        self._supervisor = supervisor
        self._records: RecordReader | None = None
        self._run: Run | None = None  # of the call that it computes
        self._number = 0  # of the last call
        self._closing: asyncio.Future[None] | None = None  # of its run
        self._showing = asyncio.Lock()
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._process = process
        self._connection = connection
        self._streams = streams
        self._earlier: list[CapturedOutput] = []  # of calls that have been followed by others
        self._segments = segments
        self._answer_segment: SharedBuffer | None = None  # what the worker has for a large answer
        self._ungiven: dict[str, int] = {}  # descriptors that go with the next call
        self._has_loaded = self._is_killed = False
        self._ended = end_of(process)
        self._ended.add_done_callback(lambda _: self._connection.hang_up())

    @property
    def has_ended(self) -> bool:
        """Say whether the process has ended, or is about to."""
        return self._is_killed or self._ended.done()

    def when_ended(self, act: Callable[[WorkerProcess], None]) -> None:
        """Call a function once the process has ended."""
        self._ended.add_done_callback(lambda _: act(self))

    @classmethod
    def launch(cls, segments: SharedBufferPool, supervisor: RunSupervisor) -> WorkerProcess:
        """Start a process in a running event loop, on a thread that outlives the worker.

        The end of the thread would end the worker too.
        """
        ours, theirs = socket.socketpair()
        streams = CapturedOutput()
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "runtime_core.workers.worker_main",
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=streams.descriptor,
                stderr=streams.descriptor,
                start_new_session=True,
            )
        return cls(process, Connection.over(ours), streams, segments, supervisor)

    async def load(self, settings: WorkerSettings) -> Description:
        """Let the worker load the Tesseract; what goes wrong there is raised here."""
        start = time.perf_counter()
        self._connection.ask(settings.start_message())
        answer = await self._answer_to(None, "while it loaded the Tesseract")
        self.load_seconds = time.perf_counter() - start
        if answer.kind == FAILED:
            fault = read_fault(answer.data)
            assert fault is not None  # a failure always says why
            raise RaisedFault(fault)
        self._has_loaded = True
        return Description.from_data(answer.data)

    def begin(self, call: Call, run: Run) -> None:
        """Begin to compute a call. The segment behind its body must stay until it is finished.

        What is printed from now on is kept in the log of its run. `OSError` if this process has too
        many files open; then the call has not begun.
        """
        self._prepare()
        body = self._segments.holding(call.body)
        attached = {} if body is None else {BODY: body.descriptor}
        attached |= self._ungiven
        self._ungiven.clear()
        self._run, self._closing = run, None
        self._is_free.clear()
        self._streams.begin(run)
        self._number += 1
        self._connection.ask(call_message(self._number, call, attached))

    async def finish(self) -> LeasedReply:
        """Wait for the end of the call; `WorkerDied` if the process ends before it has answered.

        What was printed and logged has been passed on when this ends. Whoever gives up must be
        followed by another, who waits for the same end.
        """
        try:
            answer = await self._answer_to(self._number, "during the call")
        except WorkerDied:
            await self.follow()
            await self._close_run()
            self._end_run()
            raise
        await self.follow()
        self._end_run()
        segment = self._answer_segment
        assert segment is not None  # it is kept until no call is under way
        if not is_in_segment(answer):
            return LeasedReply(reply=read_reply(answer, segment))
        self._answer_segment = None
        return LeasedReply(reply=read_reply(answer, segment), segment=segment)

    async def _close_run(self) -> None:
        """Close the run in the place of the process that has died, once, whoever waits for it."""
        if self._run is None or self._records is None or not self._records.has_opened:
            return
        if self._closing is None:
            closing = asyncio.to_thread(self._supervisor.abandoned, self._run)
            self._closing = asyncio.ensure_future(closing)
        await asyncio.shield(self._closing)

    def _end_run(self) -> None:
        self._streams.end()
        self._run = None
        self._is_free.set()

    async def follow(self) -> None:
        """Pass on what the running call has printed and logged so far."""
        await self._streams.keep()
        if self._run is not None and self._records is not None and self._supervisor.feeds_sinks:
            for records in self._records.pieces():
                for record in records:
                    self._supervisor.take(self._run, record)
                await asyncio.sleep(0)

    @property
    def has_output(self) -> bool:
        """Say whether something has been printed that has not been shown yet."""
        return bool(self._earlier) or self._streams.has_news

    async def show_output(self) -> None:
        """Write what the worker has printed since to the stderr of this process."""
        async with self._showing:  # the output of a call comes before that of the next
            while self._earlier:
                await self._earlier.pop(0).finish()
            await self._streams.show()

    def shrink(self) -> None:
        """Give back the memory for the next answer, of which an idle worker has no view."""
        if self._answer_segment is not None:
            self._answer_segment.empty()

    def kill(self) -> None:
        """End the process and everything in its group at once; a call in it fails by that."""
        self._is_killed = True
        with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the process: a worker that is idle ends by itself, any other is killed."""
        self._connection.close()
        if self._has_loaded:
            await asyncio.wait([self._ended], timeout=_SECONDS_TO_END)
        await self.killed()  # what is left: the worker, or programs that user code has started

    async def finish_output(self) -> None:
        """Show what the worker has printed last, after it has ended, and forget its files."""
        await self._is_free.wait()  # a call that is still to notice the end has use for them
        if self._answer_segment is not None:
            self._segments.release(self._answer_segment)
            self._answer_segment = None
        await self.show_output()
        await self._streams.finish()
        if self._records is not None:
            self._records.close()
            self._records = None

    async def killed(self) -> None:
        """Kill the process and wait until it has ended."""
        self.kill()
        await asyncio.wait([self._ended])

    def _prepare(self) -> None:
        """Make what the next call needs and the worker does not have."""
        if self._answer_segment is None:
            self._answer_segment = self._segments.lease()
            self._ungiven[ANSWER] = self._answer_segment.descriptor
        if self._streams.size:  # each call has an empty file; what came since was the last one's
            streams = CapturedOutput()
            self._earlier.append(self._streams)
            self._streams = streams
            self._ungiven[STREAMS] = streams.descriptor
        if self._records is None or self._records.has_opened:
            records = RecordReader()
            if self._records is not None:
                self._records.close()
            self._records = records
            self._ungiven[RECORDS] = records.descriptor

    async def _answer_to(self, number: int | None, moment: str) -> Message:
        try:
            answer = await self._connection.answer()
            if answer.data.get("number") == number:
                return answer
        except ConnectionEnded:
            await asyncio.wait([self._ended], timeout=_SECONDS_TO_FALL)  # it tells how it ended
        # Else it is no answer to this message: some other process speaks on the connection.
        await self.killed()
        raise WorkerDied(
            f"The worker process ended {moment} ({self._how_it_ended()}).{self._last_words()}"
        )

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        return f"signal {signal.Signals(-code).name}"

    def _last_words(self) -> str:
        text = self._streams.tail(_TAIL).strip()
        return f" The end of its output:\n{text}" if text else ""
