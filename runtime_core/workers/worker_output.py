"""The output and the records of one worker, followed by its supervisor."""

from __future__ import annotations

import asyncio

from runtime_core.contracts import Run
from runtime_core.run_logs import RunSupervisor
from runtime_core.workers.captured_output import CapturedOutput
from runtime_core.workers.message_types import RECORDS, STREAMS
from runtime_core.workers.record_file import RecordReader


class WorkerOutput:
    """Forwards what one worker prints and logs to stderr, text logs and sinks.

    Each call has an empty file for its output, so that what threads print after its end is not
    mixed with the next call's.
    """

    def __init__(self, supervisor: RunSupervisor) -> None:
        self._supervisor = supervisor
        self._current = CapturedOutput()
        self._earlier: list[CapturedOutput] = []
        self._records: RecordReader | None = None
        self._run: Run | None = None
        self._closing: asyncio.Future[None] | None = None
        self._showing = asyncio.Lock()

    @property
    def descriptor(self) -> int:
        """The file that the standard streams of the worker go to at its start."""
        return self._current.descriptor

    @property
    def has_news(self) -> bool:
        """Whether something has been printed that has not been shown."""
        return bool(self._earlier) or self._current.has_news

    def tail(self, size: int) -> str:
        """Return the last whole lines of the current call, at most `size` bytes."""
        return self._current.tail(size)

    def prepare(self, attached: dict[str, int]) -> None:
        """Make the files that the next call needs, and add their descriptors to those of a call.

        `OSError` if this process has too many files open; what has been added stays valid.
        """
        if self._current.size:
            following = CapturedOutput()
            self._earlier.append(self._current)
            self._current = following
            attached[STREAMS] = following.descriptor
        if self._records is None or self._records.has_opened:
            records = RecordReader()
            if self._records is not None:
                self._records.close()
            self._records = records
            attached[RECORDS] = records.descriptor

    def begin(self, run: Run) -> None:
        """Let what is printed and logged from now on belong to a run."""
        self._run, self._closing = run, None
        self._current.begin(run)

    def end(self) -> None:
        """Let what is printed from now on belong to no run."""
        self._current.end()
        self._run = None

    async def follow(self) -> None:
        """Forward what the running call has printed and logged so far."""
        await self._current.keep()
        if self._run is not None and self._records is not None and self._supervisor.feeds_sinks:
            for records in self._records.pieces():
                for record in records:
                    self._supervisor.take(self._run, record)
                await asyncio.sleep(0)

    async def close_run(self) -> None:
        """Close the run in the place of the worker, which has died.

        It is closed once, also when a task that waits for it is cancelled and another one waits.
        """
        if self._run is None or self._records is None or not self._records.has_opened:
            return
        if self._closing is None:
            closing = asyncio.to_thread(self._supervisor.abandoned, self._run)
            self._closing = asyncio.ensure_future(closing)
        await asyncio.shield(self._closing)

    async def show(self) -> None:
        """Write what is new to the stderr of this process."""
        async with self._showing:  # the output of a call comes before that of the next
            while self._earlier:
                await self._earlier.pop(0).finish()
            await self._current.show()

    async def finish(self) -> None:
        """Show the rest, after the worker has ended, and close the files."""
        await self.show()
        await self._current.finish()
        if self._records is not None:
            self._records.close()
            self._records = None
