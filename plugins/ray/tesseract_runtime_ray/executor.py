"""A `concurrent.futures.Executor` on the cluster that this process is connected to."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import cache
from typing import Any

import ray
from ray.exceptions import (
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    TaskCancelledError,
    WorkerCrashedError,
)

_LOST = (NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError)

_SECONDS_BETWEEN_COUNTS = 5.0  # clusters may grow and shrink


class RayExecutor(Executor):
    """Submits tasks without retries of Ray's own, under the name of the model."""

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
        reference = _remote(function).options(name=self._name).remote(*arguments)
        future: Future[Any] = Future()
        reference.future().add_done_callback(lambda done: _settle(future, done))
        future.add_done_callback(lambda settled: settled.cancelled() and ray.cancel(reference))
        return future


@cache  # Ray exports a function once
def _remote(function: Callable[..., Any]) -> Any:
    return ray.remote(max_retries=0, num_cpus=1)(function)


def _settle(future: Future[Any], done: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(done.result())
    except _LOST as error:
        future.set_exception(BrokenExecutor(str(error).partition("\n")[0]))
    except TaskCancelledError as error:
        future.set_exception(BrokenExecutor(str(error)))
    except Exception as error:
        future.set_exception(error)
