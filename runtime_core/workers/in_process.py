"""Computing calls in a thread of the same process, for tests and debuggers; it cannot cancel."""

from __future__ import annotations

import asyncio
from functools import cached_property
from types import TracebackType
from typing import Self

from runtime_core.contracts import Call, Reply
from runtime_core.description import Description, describe
from runtime_core.runtime import Runtime


class InProcessWorkers:
    """Runs one call at a time beside the event loop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Reply]] = set()

    @cached_property
    def description(self) -> Description:
        """Return what is served."""
        return describe(self._runtime)

    async def __aenter__(self) -> Self:
        """Load the Tesseract; errors are those of loading."""
        await asyncio.to_thread(lambda: self.description)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the calls that are running."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def call(self, call: Call) -> Reply:
        """Compute a call when its turn has come; a caller who gives up does not disturb it."""
        task = asyncio.create_task(self._in_turn(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _in_turn(self, call: Call) -> Reply:
        async with self._turn:
            return await asyncio.to_thread(self._runtime.invoke, call)
