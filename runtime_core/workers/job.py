"""One call on its way through a pool of workers: when it must end, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime_core.contracts import Fault
from runtime_core.errors import CallerGone, TesseractRuntimeError, TimedOut
from runtime_core.faults import fault_of
from runtime_core.workers.process import LeasedReply, WorkerProcess


class Job:
    """One call on its way through the pool."""

    def __init__(self, limit: float | None) -> None:
        self.task: asyncio.Task[LeasedReply] | None = None
        self.stopped: Fault | None = None
        self._limit = limit
        self._worker: WorkerProcess | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self, worker: WorkerProcess) -> None:
        """Note who computes it, and stop it at the end of its time."""
        self._worker = worker
        if self._limit is not None:
            self._stop_after(
                self._limit, TimedOut(f"The call was stopped after {self._limit:g} s.")
            )

    def end(self) -> None:
        """Note that it is done, well or badly."""
        self._worker = None
        for timer in self._timers:
            timer.cancel()

    def stop(self, fault: Fault) -> None:
        """Kill the worker that computes it, if one does."""
        if self._worker is not None:
            self.stopped = self.stopped or fault
            self._worker.kill()

    def abandon(
        self, task: asyncio.Task[LeasedReply], release: Callable[[LeasedReply], None]
    ) -> None:
        """Forget it if it still waits, else let it take no longer than a new worker would."""
        task.add_done_callback(lambda done: None if done.cancelled() else release(done.result()))
        if self._worker is not None:
            self._stop_after(self._worker.load_seconds, CallerGone("The client has gone."))
        elif not task.done():
            task.cancel()

    def _stop_after(self, seconds: float, error: TesseractRuntimeError) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self.stop, fault_of(error)))
