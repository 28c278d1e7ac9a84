"""A `concurrent.futures.Executor` on the cluster that this process is connected to."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import cache
from typing import Any

import ray
from ray.exceptions import (
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    TaskCancelledError,
    WorkerCrashedError,
)

_LOST = (NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError)

_LEAST_SECONDS = 0.05  # of a task: scheduling takes milliseconds
_SECONDS_BETWEEN_COUNTS = 5.0  # clusters may grow and shrink


class RayExecutor(Executor):
    """Submits tasks without retries of Ray's own, under the name of the model."""

    least_seconds = _LEAST_SECONDS

    def __init__(self, name: str) -> None:
        self._name = name
        self._workers = 1
        self._counted = -_SECONDS_BETWEEN_COUNTS

    @property
    def workers(self) -> int:
        """The number of processors of the cluster, each of which has a worker."""
        now = time.monotonic()
        if now - self._counted >= _SECONDS_BETWEEN_COUNTS:
            self._workers = max(int(ray.cluster_resources().get("CPU", 1)), 1)
            self._counted = now
        return self._workers

    def share(self, data: bytes) -> object:
        """Put data into the object store; the result is `data` in the arguments of a task."""
        return ray.put(data)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Submit a task; its future raises `BrokenExecutor` if its worker was lost."""
        return RayFuture(_remote(function, self._name).remote(*arguments))


@cache  # Ray exports a function once
def _remote(function: Callable[..., Any], name: str) -> Any:
    return ray.remote(max_retries=0, num_cpus=1)(function).options(name=name)


class RayFuture(Future[Any]):
    """The result of a task, which the thread that waits for it takes from Ray.

    Ray's own futures are settled by a thread, which takes a quarter of the time of a small task.
    """

    def __init__(self, reference: Any) -> None:
        super().__init__()
        self._reference = reference

    def result(self, timeout: float | None = None) -> Any:
        """Return the result."""
        self._settle(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception, if there is one."""
        self._settle(timeout)
        return super().exception(0)

    def done(self) -> bool:
        """Check whether the task has ended."""
        return super().done() or bool(ray.wait([self._reference], timeout=0)[0])

    def cancel(self) -> bool:
        """Cancel the task, unless its result has been taken."""
        cancelled = super().cancel()
        if cancelled:
            ray.cancel(self._reference)
        return cancelled

    def _settle(self, timeout: float | None) -> None:
        if super().done():
            return
        try:
            self.set_result(ray.get(self._reference, timeout=timeout))
        except GetTimeoutError:
            pass  # it is computed still
        except (*_LOST, TaskCancelledError) as error:
            self.set_exception(BrokenExecutor(str(error).partition("\n")[0]))
        except Exception as error:
            self.set_exception(error)
