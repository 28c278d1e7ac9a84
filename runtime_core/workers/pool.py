"""The workers of a server: loaded, fed with one call each at a time, replaced when they die."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from runtime_core.contracts import Call, Fault, Reply
from runtime_core.description import Description
from runtime_core.errors import ShuttingDown, TesseractRuntimeError, WorkersLost
from runtime_core.faults import fault_of
from runtime_core.run_logs.supervision import Supervision
from runtime_core.workers.bodies import ArrivingBody
from runtime_core.workers.job import Job
from runtime_core.workers.process import LeasedReply, WorkerProcess, WorkerSettings
from runtime_core.workers.segments import SegmentPool

_log = logging.getLogger(__name__)

_PAUSES = (0.0, 1.0, 5.0)
"""Seconds before each attempt to replace a worker; after the last one its place stays empty."""

_SECONDS_FOR_OUTPUT = 1.0  # for what workers have printed, at the start and at the end

_TICK = 0.5  # seconds between looks at the output of workers
_TICKS_TO_SHRINK = 20  # after so many without a call the memory of bodies is given back


class WorkerPool:
    """Some worker processes, and a queue of calls before them in their order of arrival.

    An idle worker is taken last in, first out: the gradient of a point is computed by the worker
    that has just evaluated it. `timeout` is the most seconds that a call may compute.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        supervision: Supervision,
        *,
        size: int = 1,
        timeout: float | None = None,
    ) -> None:
        self._settings = settings
        self._supervision = supervision
        self._size = size
        self._timeout = timeout
        self._segments = SegmentPool()
        self._description: Description | None = None
        self._launched: set[WorkerProcess] = set()
        self._ready: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._waiting: deque[asyncio.Future[WorkerProcess]] = deque()
        self._jobs: set[Job] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._replacing = 0
        self._failure = ""
        self._closed = False

    @property
    def description(self) -> Description:
        """Return what is served."""
        assert self._description is not None  # only asked inside the `async with`
        return self._description

    @property
    def problem(self) -> str | None:
        """Return why no call can be computed at the moment, or nothing."""
        if self._closed:
            return "The server is being stopped."
        if self._ready:
            return None
        return "The worker is being replaced." if self._replacing else self._lost_for_good()

    async def __aenter__(self) -> Self:
        """Start the workers; errors are those of loading the Tesseract."""
        starts = [asyncio.ensure_future(self._start()) for _ in range(self._size)]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            await self._stop_all()
            raise
        if self._chores:  # what was printed while the Tesseract loaded comes first
            await asyncio.wait(self._chores, timeout=_SECONDS_FOR_OUTPUT)
        self._spawn(self._look_after())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the workers; a call that still runs is answered as cut short."""
        self.cut_short()
        for chore in self._chores:
            chore.cancel()
        tasks = [*self._chores, *(job.task for job in self._jobs if job.task is not None)]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stop_all()
        if self._chores:
            await asyncio.wait(self._chores, timeout=_SECONDS_FOR_OUTPUT)
        self._segments.close()

    def cut_short(self) -> None:
        """Answer everything that waits or runs as cut short, and take no further call."""
        self._closed = True
        self._refuse_waiting(ShuttingDown("The server is being stopped."))
        for job in self._jobs:
            job.stop(fault_of(ShuttingDown("The server was stopped before the call was done.")))

    def arriving(self, expected: int | None) -> ArrivingBody:
        """Return where the body of a call is collected, of `expected` bytes if that is known."""
        return ArrivingBody(self._segments, expected=expected)

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call when its turn has come; the reply's body is valid inside the `with`.

        Every failure is a fault of the reply. A caller who gives up is forgotten while the call
        waits; one that runs may take as long as its worker took to load, then it is stopped.
        """
        limits = [seconds for seconds in (self._timeout, call.timeout) if seconds is not None]
        job = Job(min(limits, default=None))
        self._jobs.add(job)
        task = job.task = asyncio.create_task(self._computed(job, call))
        try:
            leased = await asyncio.shield(task)
        except asyncio.CancelledError:
            job.abandon(task, self._release)
            raise
        try:
            yield leased.reply
        finally:
            self._release(leased)

    async def _computed(self, job: Job, call: Call) -> LeasedReply:
        arrived = time.perf_counter()
        try:
            worker = await self._worker()
            job.begin(worker)
            queue = time.perf_counter() - arrived
            leased = await self._run(worker, job, call)
            timings = {"queue": queue, **leased.reply.timings}
            return replace(leased, reply=replace(leased.reply, timings=timings))
        except TesseractRuntimeError as error:
            return LeasedReply(reply=_refusal(call, fault_of(error)))
        finally:
            self._jobs.discard(job)
            job.task = None  # it would hold the body, by way of its traceback
            body = self._segments.holding(call.body)
            if body is not None:
                self._segments.release(body)

    async def _run(self, worker: WorkerProcess, job: Job, call: Call) -> LeasedReply:
        """Compute a call as a run, which has ended when this returns."""
        try:
            leased = await worker.call(call)
        except TesseractRuntimeError as error:
            leased = LeasedReply(reply=_refusal(call, job.stopped or fault_of(error)))
        finally:
            job.end()
            self._take_back(worker)
        run = self._supervision.run(call)
        return replace(leased, reply=await self._supervision.ended(run, leased.reply))

    async def _worker(self) -> WorkerProcess:
        """Return an idle worker, in the order in which it was asked for."""
        if self._closed:
            raise ShuttingDown("The server is being stopped.")
        if self._idle:
            return self._idle.pop()
        if not self._ready and not self._replacing:
            raise WorkersLost(self._lost_for_good())
        turn: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._take_back(turn.result())
            raise

    def _take_back(self, worker: WorkerProcess) -> None:
        """Give a worker to whoever waits longest, or let it idle."""
        if worker not in self._ready or worker.has_ended:
            return  # it is being replaced
        if worker.has_output:
            self._spawn(worker.show_output())
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(worker)
                return
        self._idle.append(worker)

    async def _start(self) -> None:
        worker = WorkerProcess.launch(self._segments, self._supervision)
        self._launched.add(worker)
        try:
            description = await worker.load(self._settings)
        except BaseException:
            await self._stop(worker)
            raise
        self._description = self._description or description
        self._ready.add(worker)
        worker.when_ended(self._lose)
        self._take_back(worker)

    def _lose(self, worker: WorkerProcess) -> None:
        """Replace a worker that has ended, whatever ended it."""
        self._ready.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._closed:
            self._replacing += 1
            self._spawn(self._replace(worker))

    async def _replace(self, lost: WorkerProcess) -> None:
        """Load a new worker; one that fails at every start is not started for ever."""
        try:
            await self._stop(lost)
            for pause in _PAUSES:
                await asyncio.sleep(pause)
                try:
                    return await self._start()
                except TesseractRuntimeError as error:
                    self._failure = str(error).partition("\n")[0]  # the rest is for the log
                    _log.warning("A worker could not be loaded again: %s", error)
        finally:
            self._replacing -= 1
            if not self._ready and not self._replacing:
                self._refuse_waiting(WorkersLost(self._lost_for_good()))

    def _lost_for_good(self) -> str:
        return (
            f"No worker is left, and none could be loaded in {len(_PAUSES)} attempts: "
            f"{self._failure} Start the server again."
        )

    def _refuse_waiting(self, error: TesseractRuntimeError) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _release(self, leased: LeasedReply) -> None:
        if leased.segment is not None:
            self._segments.release(leased.segment)

    async def _look_after(self) -> None:
        """Show what workers print, and give memory back that nobody has needed for a while."""
        idle_ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            for worker in [*self._ready]:
                await worker.follow()
                await worker.show_output()
            idle_ticks = 0 if self._jobs else idle_ticks + 1
            if idle_ticks == _TICKS_TO_SHRINK:
                self._shrink()

    def _shrink(self) -> None:
        self._segments.shrink()
        for worker in self._idle:
            worker.shrink()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self._stop(worker) for worker in [*self._launched]))

    async def _stop(self, worker: WorkerProcess) -> None:
        self._launched.discard(worker)
        await worker.stop()
        self._spawn(worker.finish_output())

    def _spawn(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _refusal(call: Call, fault: Fault) -> Reply:
    return Reply(run_id=call.run_id, format=call.output_format, fault=fault)
