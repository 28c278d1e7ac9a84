"""The output of one worker and the records of its runs, followed by its supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime_core.contracts import Run
from runtime_core.run_logs import RunSupervisor
from runtime_core.workers.captured_output import CapturedOutput
from runtime_core.workers.message_types import STREAMS


class WorkerOutput:
    """Forwards the output of one worker to stderr and text logs, and lets sinks follow its runs.

    Each call has an empty file, so that late output of its threads is not mixed with that of the
    next call.
    """

    def __init__(self, supervisor: RunSupervisor) -> None:
        self._supervisor = supervisor
        self._current = CapturedOutput()
        self._earlier: list[CapturedOutput] = []
        self._run: Callable[[], Run] | None = None
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
        """Make the file that the next call needs, and attach its descriptor to it.

        `OSError` if this process has too many files open; what has been attached stays valid.
        """
        if self._current.size:
            # A new file that cannot be opened must not cost the old one.
            earlier, self._current = self._current, CapturedOutput()
            self._earlier.append(earlier)
            attached[STREAMS] = self._current.descriptor

    def begin(self, run: Callable[[], Run]) -> None:
        """Assign later output to a run, which is made when there are any."""
        self._run = run
        self._current.begin(run)

    def end(self) -> None:
        """Assign later output to no run."""
        self._current.end()
        self._run = None

    async def follow(self) -> None:
        """Forward the output of the running call so far, and let sinks read its records."""
        await self._current.keep()
        if self._run is not None:
            self._supervisor.follow(self._run)

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
