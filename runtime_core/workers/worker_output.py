"""The output and the records of one worker, followed by its supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime_core.contracts import Run
from runtime_core.run_logs import RunSupervisor
from runtime_core.workers.captured_output import CapturedOutput
from runtime_core.workers.message_types import RECORDS, STREAMS
from runtime_core.workers.record_file import RecordReader


class WorkerOutput:
    """Forwards the output and records of one worker to stderr, text logs and sinks.

    Each call has an empty file, so that late output of its threads is not mixed with that of the
    next call.
    """

    def __init__(self, supervisor: RunSupervisor) -> None:
        self._supervisor = supervisor
        self._current = CapturedOutput()
        self._earlier: list[CapturedOutput] = []
        self._records: RecordReader | None = None
        self._run: Callable[[], Run] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._showing = asyncio.Lock()

    @property
    def descriptor(self) -> int:
        """The file of the standard streams of the worker when it starts."""
        return self._current.descriptor

    @property
    def has_news(self) -> bool:
        """Whether there is output that has not been shown."""
        return bool(self._earlier) or self._current.has_news

    def tail(self, size: int) -> str:
        """Return the last whole lines of the current call, at most `size` bytes."""
        return self._current.tail(size)

    def prepare(self, attached: dict[int, int]) -> None:
        """Make the files that the next call needs, and attach their descriptors to it.

        `OSError` if this process has too many files open; what has been attached stays valid.
        """
        if self._current.size:
            # A new file that cannot be opened must not cost the old one.
            earlier, self._current = self._current, CapturedOutput()
            self._earlier.append(earlier)
            attached[STREAMS] = self._current.descriptor
        if self._records is None or self._records.has_opened:
            earlier_records, self._records = self._records, RecordReader()
            if earlier_records is not None:
                earlier_records.close()
            attached[RECORDS] = self._records.descriptor

    def begin(self, run: Callable[[], Run]) -> None:
        """Assign later output and records to a run, which is made when there are any."""
        self._run, self._closing = run, None
        self._current.begin(run)

    def end(self) -> None:
        """Assign later output to no run."""
        self._current.end()
        self._run = None

    async def follow(self) -> None:
        """Forward the output and records of the running call so far."""
        await self._current.keep()
        run = self._run
        if run is not None and self._records is not None and self._supervisor.feeds_sinks:
            for records in self._records.pieces():
                for record in records:
                    self._supervisor.take(run(), record)
                await asyncio.sleep(0)

    async def close_run(self) -> None:
        """Close the run for the dead worker, once even if several tasks wait for it in turn."""
        if self._run is None or self._records is None or not self._records.has_opened:
            return
        if self._closing is None:
            closing = asyncio.to_thread(self._supervisor.abandoned, self._run())
            self._closing = asyncio.ensure_future(closing)
        await asyncio.shield(self._closing)

    async def show(self) -> None:
        """Write new output to the stderr of this process."""
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
