"""One call in a pool of workers: its worker, its deadline and its end."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import cached_property

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Fault, Run, RunningCall
from runtime_core.errors import CallerGone, TesseractRuntimeError, TimedOut
from runtime_core.run_logs.long_runs import NOTICE_SECONDS, notice
from runtime_core.workers.worker_process import WorkerProcess

_LEAST_SECONDS_WITHOUT_CALLER = 1.0
"""A worker that loads faster is still worth keeping for a call that is nearly done."""


_log = logging.getLogger(__name__)


class QueuedCall:
    """One call in the pool, which may compute for `limit` seconds, the operator's limit.

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
        self._warnings = 0

    @property
    def running(self) -> RunningCall:
        """What a worker computes at the moment."""
        seconds = time.perf_counter() - self._arrived - self.queue_seconds
        return RunningCall(run_id=self.call.run_id, endpoint=self.call.endpoint, seconds=seconds)

    def warn_if_long(self) -> None:
        """Log a call that has been computed for unusually long, once for each step of time."""
        steps = NOTICE_SECONDS[self._warnings :]
        if self.worker is not None and steps and self.running.seconds > steps[0]:
            self._warnings += 1
            _log.warning("%s", notice(self.call.endpoint, self.call.run_id, steps[0]))

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
        """Stop a call without a caller after the time that a new worker would take to load."""
        if self.worker is not None:
            seconds = max(self.worker.load_seconds, _LEAST_SECONDS_WITHOUT_CALLER)
            self._stop_after(seconds, CallerGone("The client no longer waits."))

    def _stop_after(self, seconds: float, error: TesseractRuntimeError) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self.stop, fault_of(error)))
