"""One call in a pool of workers: its worker, its deadline and its end."""

from __future__ import annotations

import asyncio
import time
from functools import cached_property

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Fault, Run
from runtime_core.errors import CallerGone, TesseractRuntimeError, TimedOut
from runtime_core.workers.worker_process import WorkerProcess

_LEAST_SECONDS_WITHOUT_CALLER = 1.0
"""A worker that loads faster is still worth keeping for a call that is nearly done."""


class QueuedCall:
    """One call in the pool, which may compute for `limit` seconds.

    It has a worker while it runs. A `task` finishes it once its caller has gone.
    """

    def __init__(self, call: Call, limit: float | None) -> None:
        self.call = call
        self.run: Run | None = None
        self.worker: WorkerProcess | None = None
        self.task: asyncio.Task[None] | None = None
        self.stopped: Fault | None = None
        self.queue_seconds = 0.0
        self._limit = limit
        self._arrived = time.perf_counter()
        self._timers: list[asyncio.TimerHandle] = []

    @cached_property
    def turn(self) -> asyncio.Future[None]:
        """The future that is done when a worker has begun the call."""
        return asyncio.get_running_loop().create_future()

    def begin(self, worker: WorkerProcess) -> None:
        """Let a worker compute the admitted call, and stop it at the end of its time."""
        assert self.run is not None  # it has been admitted
        worker.begin(self.call, self.run)
        self.worker = worker
        self.queue_seconds = time.perf_counter() - self._arrived
        if self._limit is not None:
            error = TimedOut(f"The call was stopped after {self._limit:g} s.")
            self._stop_after(self._limit, error)

    def end(self) -> None:
        """Forget the worker, after the call has ended in any way."""
        self.worker = None
        for timer in self._timers:
            timer.cancel()

    def stop(self, fault: Fault) -> None:
        """Kill the worker that computes the call, if any."""
        if self.worker is not None:
            self.stopped = self.stopped or fault
            self.worker.kill()

    def hurry(self) -> None:
        """Stop the call, whose caller has gone, after the time that a new worker would take."""
        if self.worker is not None:
            seconds = max(self.worker.load_seconds, _LEAST_SECONDS_WITHOUT_CALLER)
            self._stop_after(seconds, CallerGone("The client has gone."))

    def _stop_after(self, seconds: float, error: TesseractRuntimeError) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self.stop, fault_of(error)))
