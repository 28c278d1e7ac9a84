"""The worker of a server: started, fed with one call at a time, replaced when it dies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from runtime_core.contracts import Call, Reply
from runtime_core.description import Description
from runtime_core.errors import ShuttingDown, TesseractRuntimeError, WorkerDied
from runtime_core.faults import fault_of
from runtime_core.workers.process import WorkerProcess, WorkerSettings


class Workers(Protocol):
    """Computes calls somewhere; used in an `async with`."""

    @property
    def description(self) -> Description:
        """Return what is served; known inside the `async with`."""

    async def call(self, call: Call) -> Reply:
        """Compute a call; every failure is a fault of the reply."""

    async def __aenter__(self) -> Self:
        """Load the Tesseract; errors are those of loading."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop computing."""


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    worker: WorkerProcess
    description: Description


class WorkerPool:
    """One worker process, and a queue of calls before it in their order of arrival."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._worker_process: WorkerProcess | None = None  # also while it loads
        self._loaded: _Loaded | None = None
        self._description: Description | None = None
        self._running: set[asyncio.Task[Reply]] = set()
        self._replacement: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def description(self) -> Description:
        """Return what is served."""
        assert self._description is not None  # only asked inside the `async with`
        return self._description

    async def __aenter__(self) -> Self:
        """Start the worker; errors are those of loading the Tesseract."""
        self._description = (await self._worker()).description
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the worker; a call that still runs is answered as cut short."""
        self._closed = True
        if self._replacement is not None:
            self._replacement.cancel()
            await asyncio.gather(self._replacement, return_exceptions=True)
        if self._worker_process is not None and self._turn.locked():
            await self._worker_process.kill()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._worker_process is not None:
            await self._worker_process.stop()

    async def call(self, call: Call) -> Reply:
        """Compute a call when its turn has come; a caller who gives up does not disturb it."""
        task = asyncio.create_task(self._in_turn(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _in_turn(self, call: Call) -> Reply:
        try:
            async with self._turn:
                loaded = await self._worker()
                return await self._computed(loaded, call)
        except TesseractRuntimeError as error:
            fault = fault_of(error)
            return Reply(run_id=call.run_id, format=call.output_format, fault=fault)

    async def _computed(self, loaded: _Loaded, call: Call) -> Reply:
        try:
            return await loaded.worker.call(call)
        except WorkerDied:
            self._loaded = None
            if self._closed:
                raise ShuttingDown("The server was stopped before the call was done.") from None
            self._replacement = asyncio.create_task(self._replace())
            raise

    async def _replace(self) -> None:
        """Load a new worker while nobody waits for it; a failure is told to the next caller."""
        async with self._turn:
            try:
                await self._worker()
            except TesseractRuntimeError:
                pass

    async def _worker(self) -> _Loaded:
        """Return the loaded worker; a dead one is replaced."""
        if self._closed:
            raise ShuttingDown("The server is being stopped.")
        if self._loaded is None or self._loaded.worker.has_ended:
            worker = self._worker_process = WorkerProcess.launch()
            try:
                description = await worker.load(self._settings)
            except BaseException:
                await worker.kill()
                await worker.stop()
                raise
            self._loaded = _Loaded(worker=worker, description=description)
        return self._loaded
