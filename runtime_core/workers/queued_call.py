"""One call in a pool of workers: its worker, its deadline and its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Fault, Reply, Run, RunningCall
from runtime_core.errors import CallerGone, QueueFull, TesseractRuntimeError, TimedOut
from runtime_core.run_logs.long_runs import NOTICE_SECONDS, notice

if TYPE_CHECKING:
    from runtime_core.workers.worker_process import WorkerProcess

_LEAST_SECONDS_WITHOUT_CALLER = 1.0
"""A worker that loads faster is still worth keeping for a call that is nearly done."""

_OUT_OF_PATIENCE = (
    "The call has waited in the queue for {seconds:g} s, as long as its caller allows, and has not "
    "begun. Try again later, or allow more with Request-Patience (patience= in Python)."
)
_OUT_OF_TIME = (
    "The call has computed for {seconds:g} s, as long as its caller allows, and was stopped. Allow "
    "more with Request-Timeout (timeout= in Python)."
)

_log = logging.getLogger(__name__)


class QueuedCall:
    """One call in the pool, which may compute for `limit` seconds, the operator's limit.

    It has a worker while it runs, and an `answer` function while its caller waits. `expired` is
    called with it and an error when it has waited or computed for as long as its caller allows.
    """

    def __init__(
        self,
        call: Call,
        answer: Callable[[Reply], None],
        *,
        run_of: Callable[[Call], Run],
        limit: float | None,
        expired: Callable[[QueuedCall, TesseractRuntimeError], None],
    ) -> None:
        self.call = call
        self.answer: Callable[[Reply], None] | None = answer
        self.worker: WorkerProcess | None = None
        self.stopped: Fault | None = None
        self.is_admitted = False  # its run id is taken
        self.awaited: WorkerProcess | None = None  # it has kept the forward solve at the inputs
        self.is_astray = False  # the call brings a handle, and any worker may compute it
        self.queue_seconds = 0.0
        self._run_of = run_of
        self._run: Run | None = None
        self.limit = limit
        self._expired = expired
        self._arrived = time.perf_counter()
        self._timers: list[asyncio.TimerHandle] = []  # that stop it
        self._expiry: asyncio.TimerHandle | None = None
        self._warnings = 0

    def run(self) -> Run:
        """Return the run of the call, which is made when it is first needed."""
        if self._run is None:
            self._run = self._run_of(self.call)
        return self._run

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

    def wait(self) -> None:
        """Limit the time until the call begins to the patience of its caller."""
        seconds = self.call.patience
        if seconds is not None:
            waited = time.perf_counter() - self._arrived
            error = QueueFull(_OUT_OF_PATIENCE.format(seconds=seconds))
            self._expire_after(seconds - waited, error)

    def begin(self, worker: WorkerProcess) -> None:
        """Note that a worker computes the call; stop it at the end of its time."""
        self.worker = worker
        self.stopped = None  # a worker has begun it before it could be told that its time was over
        self.queue_seconds = time.perf_counter() - self._arrived
        self._cancel_expiry()
        seconds = self.call.timeout
        if seconds is not None:
            self._expire_after(seconds, TimedOut(_OUT_OF_TIME.format(seconds=seconds)))
        if self.limit is not None:
            error = TimedOut(f"The call was stopped after {self.limit:g} s.")
            self._stop_after(self.limit, error)
        if self.answer is None:
            self._hurry(worker)

    def end(self) -> None:
        """Forget the worker, after the call has ended in any way, or before it has begun."""
        self.worker = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._cancel_expiry()

    def stop(self, fault: Fault) -> None:
        """Kill the worker that computes the call, unless its reply has come."""
        if self.worker is not None:
            self.worker.catch_up()
        if self.worker is not None:
            self.stopped = self.stopped or fault
            self.worker.kill()

    def abandon(self) -> None:
        """Note that the caller has gone."""
        self.answer = None
        if self.worker is not None:
            self._hurry(self.worker)

    def refusal(self, error: TesseractRuntimeError) -> Reply:
        """Return the reply of a call that has no result."""
        fault = self.stopped or fault_of(error)
        return Reply(run_id=self.call.run_id, format=self.call.output.format, fault=fault)

    def _expire_after(self, seconds: float, error: TesseractRuntimeError) -> None:
        self._cancel_expiry()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(seconds, self._expired, self, error)

    def _cancel_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()

    def _hurry(self, worker: WorkerProcess) -> None:
        """Stop a call without a caller after the time that a new worker would take to load."""
        seconds = max(worker.load_seconds, _LEAST_SECONDS_WITHOUT_CALLER)
        self._stop_after(seconds, CallerGone("The client no longer waits."))

    def _stop_after(self, seconds: float, error: TesseractRuntimeError) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self.stop, fault_of(error)))
