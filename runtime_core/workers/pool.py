"""A pool of worker processes for a server, a client or an executor."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Description, Fault, Reply, RunningCall
from runtime_core.errors import ShuttingDown, TesseractRuntimeError, TimedOut, WorkersLost
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.workers.body_buffer import BodyBuffer
from runtime_core.workers.queued_call import QueuedCall
from runtime_core.workers.shared_memory import SharedBufferPool
from runtime_core.workers.worker_process import WorkerProcess, WorkerSettings

_log = logging.getLogger(__name__)

_PAUSES = (0.0, 1.0, 5.0)
"""Seconds before each attempt to replace a worker; after the last one its place stays empty."""

_SECONDS_FOR_OUTPUT = 1.0  # for what workers have printed, at the start and at the end

_MOMENT = 0.01  # seconds

_TICK = 0.5  # seconds between looks at the output of workers
_TICKS_TO_SHRINK = 20  # ticks without a call before idle shared memory is released


class WorkerPool:
    """Worker processes, and a queue of calls in order of arrival.

    A call may compute for `timeout` seconds. Idle workers are taken last in, first out: the worker
    that has just evaluated a point computes its gradient.

    Invariants, between any two steps of the event loop:

    - A loaded worker is in exactly one state: idle (in `_idle`), busy (the `worker` of one queued
      call) or being replaced. Its end is noticed in the next step: until then a dead worker may
      count as idle, and the call that it gets fails with `WorkerDied`.
    - A call waits only while no worker is idle, and one is busy or being replaced.
    - A call is in `_calls` from its arrival until its body may be released.

    A call runs in the task of its caller. Everything that this task awaits can be awaited again:
    when the caller is cancelled, a task of the pool continues from there.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        supervisor: RunSupervisor,
        *,
        size: int = 1,
        timeout: float | None = None,
    ) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._size = size
        self._timeout = timeout
        self._shared_buffers = SharedBufferPool()
        self._description: Description | None = None
        self._launched: set[WorkerProcess] = set()
        self._ready: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._waiting: deque[QueuedCall] = deque()
        self._calls: set[QueuedCall] = set()
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._replacing = 0
        self._failure = ""
        self._closed = False

    @property
    def description(self) -> Description:
        """The description of the Tesseract that the workers have loaded."""
        assert self._description is not None  # only asked inside the `async with`
        return self._description

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""
        if self._closed:
            return "The server is being stopped."
        if self._ready:
            return None
        return "The worker is being replaced." if self._replacing else self._lost_for_good()

    @property
    def running(self) -> Sequence[RunningCall]:
        """The calls that workers compute."""
        return [queued.running for queued in self._calls if queued.worker is not None]

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
        if self._background_tasks:  # the output of loading comes before that of calls
            await asyncio.wait(self._background_tasks, timeout=_SECONDS_FOR_OUTPUT)
        self._spawn(self._maintain())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the workers; a call that still runs is answered as cut short."""
        self.cut_short()
        for task in self._background_tasks:
            task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        while self._calls:  # their tasks answer in the next steps of the event loop
            await asyncio.sleep(_MOMENT)
        await self._stop_all()
        if self._background_tasks:
            await asyncio.wait(self._background_tasks, timeout=_SECONDS_FOR_OUTPUT)
        self._shared_buffers.close()

    def cut_short(self) -> None:
        """Answer all waiting and running calls as cut short, and take no further call."""
        self._closed = True
        self._refuse_waiting(ShuttingDown("The server is being stopped."))
        for queued in self._calls:
            queued.stop(fault_of(ShuttingDown("The server was stopped before the call was done.")))

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return a buffer for the body of a call, of `expected` bytes if that is known."""
        return BodyBuffer(self._shared_buffers, expected=expected)

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call in its turn; the body of the reply is valid inside the `async with`.

        Every failure is a fault of the reply. The call owns a body that `arriving` has collected.
        When the caller is cancelled, or its own `timeout` is over, a waiting call is dropped; a
        running one is stopped after the time that its worker took to load, and not before a second
        has passed.
        """
        queued = QueuedCall(call, self._timeout)
        self._calls.add(queued)
        try:
            async with asyncio.timeout(call.timeout) as deadline:
                reply = await self._computed(queued)
        except TimeoutError:
            if not deadline.expired():
                raise
            self._abandon(queued)
            reply = _refusal(call, fault_of(_late(call)))
        except asyncio.CancelledError:
            self._abandon(queued)
            raise
        finally:
            if queued.task is None:
                self._leave(queued)
        try:
            yield reply
        finally:
            self._shared_buffers.release_body(reply.body)

    async def _computed(self, queued: QueuedCall) -> Reply:
        """Compute a call; can be awaited again after a cancellation while a worker computes it."""
        try:
            if queued.worker is None:
                await self._begin(queued)
            computed = await self._finished(queued)
        except TesseractRuntimeError as error:  # no worker has begun it
            return _refusal(queued.call, fault_of(error))
        assert queued.run is not None  # it has been admitted
        try:
            reply = await self._supervisor.ended(queued.run, computed)
        except BaseException:
            self._shared_buffers.release_body(computed.body)
            raise
        if not reply.body:  # a sink has failed the call
            self._shared_buffers.release_body(computed.body)
        return replace(reply, timings={"queue": queued.queue_seconds, **reply.timings})

    async def _finished(self, queued: QueuedCall) -> Reply:
        """Wait for the end of a call that a worker has begun."""
        worker = queued.worker
        assert worker is not None
        try:
            reply = await worker.finish()
        except asyncio.CancelledError:
            raise  # the call goes on without this task
        except TesseractRuntimeError as error:
            reply = _refusal(queued.call, queued.stopped or fault_of(error))
        except BaseException:
            self._end(queued, worker)
            raise
        self._end(queued, worker)
        return reply

    def _end(self, queued: QueuedCall, worker: WorkerProcess) -> None:
        queued.end()
        self._take_back(worker)

    def _abandon(self, queued: QueuedCall) -> None:
        """Let a call finish if that is cheaper than another worker."""
        if queued.worker is not None:
            queued.hurry()
            queued.task = asyncio.create_task(self._finish_abandoned(queued))

    async def _finish_abandoned(self, queued: QueuedCall) -> None:
        """Wait for the end of a call whose caller has gone."""
        try:
            reply = await self._computed(queued)
            self._shared_buffers.release_body(reply.body)
        finally:
            self._leave(queued)

    def _leave(self, queued: QueuedCall) -> None:
        if queued.run is not None:
            self._supervisor.dismiss(queued.run)
        self._calls.discard(queued)
        self._shared_buffers.release_call(queued.call)

    async def _begin(self, queued: QueuedCall) -> None:
        """Wait until a worker has begun a call, in order of arrival."""
        if self._closed:
            raise ShuttingDown("The server is being stopped.")
        queued.run = self._supervisor.admit(queued.call)
        if self._idle:
            queued.begin(self._idle[-1])
            self._idle.pop()  # only now: if it cannot begin, the worker stays idle
        elif self._ready or self._replacing:
            self._waiting.append(queued)
            await queued.turn
        else:
            raise WorkersLost(self._lost_for_good())

    def _take_back(self, worker: WorkerProcess) -> None:
        """Give a worker the call that has waited longest, or let it idle.

        The call begins at once: the event loop may be busy when its task would be resumed.
        """
        if worker not in self._ready or worker.has_ended:
            return  # it is being replaced
        if worker.output.has_news:
            self._spawn(worker.output.show())
        while self._waiting:
            queued = self._waiting.popleft()
            if queued.turn.done():
                continue  # its caller has gone
            try:
                queued.begin(worker)
            # The error concerns the waiting call, not the one that returns the worker.
            except Exception as error:
                queued.turn.set_exception(error)
                continue
            queued.turn.set_result(None)
            return
        self._idle.append(worker)

    async def _start(self) -> None:
        worker = WorkerProcess.launch(self._shared_buffers, self._supervisor)
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
        """Replace a worker that has ended for any reason."""
        self._ready.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._closed:
            self._replacing += 1
            self._spawn(self._replace(worker))

    async def _replace(self, lost: WorkerProcess) -> None:
        """Load a new worker, in a limited number of attempts."""
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
            queued = self._waiting.popleft()
            if not queued.turn.done():
                queued.turn.set_exception(error)

    async def _maintain(self) -> None:
        """Forward output, warn of long calls and release idle memory, every half second."""
        idle_ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            for worker in [*self._ready]:
                await worker.output.follow()
                await worker.output.show()
            for queued in self._calls:
                queued.warn_if_long()
            idle_ticks = 0 if self._calls else idle_ticks + 1
            if idle_ticks == _TICKS_TO_SHRINK:
                idle_ticks = 0  # calls may come and go between two looks
                self._shared_buffers.shrink()
                for worker in self._idle:
                    worker.shrink()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self._stop(worker) for worker in [*self._launched]))

    async def _stop(self, worker: WorkerProcess) -> None:
        self._launched.discard(worker)
        await worker.stop()
        self._spawn(worker.finish_output())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)


def _late(call: Call) -> TimedOut:
    return TimedOut(f"The call was not done within {call.timeout:g} s, the time that it was given.")


def _refusal(call: Call, fault: Fault) -> Reply:
    return Reply(run_id=call.run_id, format=call.output.format, fault=fault)
