"""A pool of worker processes for a server, a client or an executor."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Self

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Reply, RunningCall, ServerLoad
from runtime_core.errors import (
    CutShort,
    ShuttingDown,
    TesseractRuntimeError,
    WorkersLost,
    exhausted,
)
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.workers.forward_handles import ForwardHandles
from runtime_core.workers.interface import Workers
from runtime_core.workers.queued_call import QueuedCall
from runtime_core.workers.worker_process import WorkerProcess, WorkerSettings

_log = logging.getLogger(__name__)

_PAUSES = (0.0, 1.0, 5.0)
"""Seconds before each attempt to replace a worker; after the last one its place stays empty."""

_SECONDS_FOR_OUTPUT = 1.0  # for what workers have printed, at the start and at the end

_MOMENT = 0.01  # seconds

_TICK = 0.5  # seconds between looks at the output of workers
_TICKS_TO_SHRINK = 20  # ticks without a call before idle shared memory is released


class WorkerPool(Workers):
    """Worker processes, and a queue of calls in order of arrival.

    A call may compute for `timeout` seconds. Idle workers are taken last in, first out: the worker
    that has just evaluated a point computes its gradient.

    Invariants, between any two steps of the event loop:

    - A loaded worker is in exactly one state: idle (in `_idle`), busy (the `worker` of one queued
      call, whose output it may still forward) or being replaced.
    - A call waits only while no worker is idle, and one is busy or being replaced; one that brings
      the handle of a forward solve waits for its worker, for the seconds that this has taken.
    - A call is in `_calls` from its arrival until its body has been released.

    The worker of a pool of one has the next call already, as soon as there is one.
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
        super().__init__()
        self._launched: set[WorkerProcess] = set()
        self._ready: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._waiting: deque[QueuedCall] = deque()
        self._calls: set[QueuedCall] = set()
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[None]] = set()  # of runs, which are not cancelled
        self._handles = ForwardHandles()
        self._replacing = self._restarts = 0
        self._failure = ""
        self._closed = False

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

    @property
    def load(self) -> ServerLoad:
        """The calls that wait, and the workers by state."""
        ahead = sum(worker.has_ahead for worker in self._ready)
        return ServerLoad(
            waiting=len(self._waiting) + ahead,
            busy=len(self._ready) - len(self._idle),
            idle=len(self._idle),
            loading=self._replacing,
            restarts=self._restarts,
        )

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
        cut = fault_of(CutShort("The server was stopped before the call was done."))
        for queued in [*self._calls]:
            queued.stop(cut)

    def submit(self, call: Call, answer: Callable[[Reply], None]) -> QueuedCall:
        """Compute a call in its turn.

        When its `patience` is over, or it is abandoned, a waiting call is dropped; when its
        `timeout` is over, or it is abandoned, a running one is stopped after the time that its
        worker took to load, and not before a second has passed.
        """
        queued = QueuedCall(
            call,
            answer,
            run_of=self._supervisor.run,
            limit=self._timeout,
            expired=self._expire,
        )
        self._calls.add(queued)
        try:
            self._admit(queued)
        except TesseractRuntimeError as error:  # no worker has begun it
            self._answer(queued, queued.refusal(error))
        return queued

    def abandon(self, ticket: QueuedCall) -> None:
        """Let a running call finish if that is cheaper than another worker; drop a waiting one."""
        ticket.abandon()
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            self._leave(ticket)
        for worker in self._ready:
            worker.cancel(ticket)

    def supply(self, worker: WorkerProcess) -> None:
        """Give a worker the call that has waited longest, or let it idle."""
        if worker not in self._ready or worker.has_ended:
            return  # it is being replaced
        while worker.is_idle:
            queued = self._first_for(worker)
            if queued is None:
                self._idle.append(worker)
                return
            self._waiting.remove(queued)
            self._begin(queued, worker)
        self._send_ahead(worker)

    def show_output(self, worker: WorkerProcess) -> None:
        """Write the output of a worker to stderr, in the background."""
        self._spawn(worker.output.show())

    def computed(self, queued: QueuedCall, reply: Reply) -> None:
        """End the run of a call and answer it."""
        if reply.forward:
            reply = self._with_forward(queued, reply)
        if reply.fault is None and not reply.has_files:
            self._answer(queued, reply)
        else:
            queued.end()
            _keep(asyncio.create_task(self._end_run(queued, reply)), self._endings)

    def skipped(self, queued: QueuedCall) -> None:
        """Let a call wait again that a worker has not begun, before all others."""
        if queued.answer is None:
            self._leave(queued)
        elif queued.stopped is not None:
            self._answer(queued, queued.refusal(WorkersLost(self._lost_for_good())))
        elif self._closed:
            self._answer(queued, queued.refusal(ShuttingDown("The server is being stopped.")))
        else:
            queued.end()
            queued.wait()
            self._waiting.appendleft(queued)

    async def _end_run(self, queued: QueuedCall, reply: Reply) -> None:
        answer = await self._supervisor.ended(queued.call, reply)
        if not answer.body:  # a sink has failed the call
            self.release(reply)
        self._answer(queued, answer)

    def _answer(self, queued: QueuedCall, reply: Reply) -> None:
        self._leave(queued)
        if queued.answer is None:
            self.release(reply)
        else:
            queued.answer(reply)

    def _leave(self, queued: QueuedCall) -> None:
        queued.end()
        if queued in self._calls:
            self._calls.remove(queued)
            if queued.is_admitted:
                self._supervisor.dismiss(queued.call)
            self._shared_buffers.release_call(queued.call)

    def _expire(self, queued: QueuedCall, error: TesseractRuntimeError) -> None:
        """Answer a call whose caller gives it no more time."""
        is_ahead = queued.worker is None and queued not in self._waiting
        if is_ahead:  # it is answered when the worker has skipped it: it may have begun
            queued.stopped = fault_of(error)
            for worker in self._ready:
                worker.cancel(queued)
            return
        answer, reply = queued.answer, queued.refusal(error)
        self.abandon(queued)
        if answer is not None:
            answer(reply)

    def _admit(self, queued: QueuedCall) -> None:
        """Let a call wait for a worker, which may be idle."""
        if self._closed:
            raise ShuttingDown("The server is being stopped.")
        if not self._ready and not self._replacing:
            raise WorkersLost(self._lost_for_good())
        self._supervisor.admit(queued.call)
        queued.is_admitted = True
        queued.wait()
        if queued.call.forward is None or not self._led(queued):
            self._waiting.append(queued)
        self._supply_idle()
        for worker in self._ready if self._waiting else ():
            self._send_ahead(worker)

    def _supply_idle(self) -> None:
        for worker in [*reversed(self._idle)] if self._waiting else ():
            if self._first_for(worker) is not None:
                self._idle.remove(worker)
                self.supply(worker)

    def _first_for(self, worker: WorkerProcess) -> QueuedCall | None:
        """Return the first call that waits for this worker or for any."""
        for queued in self._waiting:
            if queued.awaited is None or queued.awaited is worker:
                return queued
        return None

    def _led(self, queued: QueuedCall) -> bool:
        """Let a call wait for the worker that has kept the forward solve at its inputs."""
        found = self._handles.find(queued.call.forward or "")
        queued.is_astray = found is None
        if found is None:
            return False
        worker, seconds = found
        queued.awaited = worker
        self._waiting.appendleft(queued)
        asyncio.get_running_loop().call_later(seconds, self._let_go, queued)
        return True

    def _let_go(self, queued: QueuedCall) -> None:
        """Let any worker compute a call: another forward solve is done as soon as the wait."""
        if queued in self._waiting:
            queued.awaited, queued.is_astray = None, True
            self._supply_idle()

    def _with_forward(self, queued: QueuedCall, reply: Reply) -> Reply:
        """Add the handle of a forward solve, or that no worker with one has been free."""
        if reply.forward == "kept" and queued.worker is not None:
            handle = self._handles.new(queued.worker, reply.timings.get("compute", 0.0))
            return replace(reply, forward_handle=handle)
        if reply.forward == "miss" and queued.is_astray:
            return replace(reply, forward="elsewhere")
        return reply

    def _begin(self, queued: QueuedCall, worker: WorkerProcess) -> None:
        try:
            worker.begin(queued)
        except OSError as error:  # too many files are open: the call has not begun
            self._answer(queued, queued.refusal(exhausted(error)))

    def _send_ahead(self, worker: WorkerProcess) -> None:
        """Send a small call to the only worker while that computes the one before.

        Among several, it would wait for one of them while another one is idle.
        """
        if self._size == 1 and self._waiting and worker.takes_ahead(self._waiting[0].call):
            worker.send_ahead(self._waiting.popleft())

    async def _start(self) -> None:
        worker = WorkerProcess.launch(self._shared_buffers, self._supervisor, self)
        self._launched.add(worker)
        try:
            description = await worker.load(self._settings)
        except BaseException:
            await self._stop(worker)
            raise
        self._description = self._description or description
        self._supervisor.tesseract = description.facts
        self._ready.add(worker)
        worker.when_ended(self._lose)
        self.show_output(worker)
        self.supply(worker)

    def _lose(self, worker: WorkerProcess) -> None:
        """Replace a worker that has ended for any reason."""
        self._ready.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._handles.forget(worker)
        for queued in [*self._waiting]:
            if queued.awaited is worker:
                self._let_go(queued)
        ahead = worker.take_ahead()
        if ahead is not None:
            self.skipped(ahead)
        if not self._closed:
            self._replacing += 1
            self._restarts += 1
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
            self._answer(queued, queued.refusal(error))

    async def _maintain(self) -> None:
        """Forward output, warn of long calls and release idle memory, every half second."""
        idle_ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            for worker in [*self._ready]:
                await worker.output.follow()
                await worker.output.show()
            self._warn_of_long_calls()
            idle_ticks = 0 if self._calls else idle_ticks + 1
            if idle_ticks == _TICKS_TO_SHRINK:
                idle_ticks = 0  # calls may come and go between two looks
                self._shared_buffers.shrink()
                for worker in self._idle:
                    worker.shrink()

    def _warn_of_long_calls(self) -> None:
        for queued in self._calls:
            queued.warn_if_long()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self._stop(worker) for worker in [*self._launched]))

    async def _stop(self, worker: WorkerProcess) -> None:
        await worker.stop()
        if worker in self._launched:  # unless this was cancelled, and stopped again
            self._launched.remove(worker)
            self._spawn(worker.finish_output())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        _keep(asyncio.create_task(work), self._background_tasks)


def _keep(task: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> None:
    """Hold a task until it is done: the event loop does not."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)
