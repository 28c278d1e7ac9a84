"""A `concurrent.futures.Executor` on a client of Dask."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any

import distributed
from distributed import Client
from distributed.scheduler import KilledWorker

from runtime_core.errors import ExecutorFailed

_LEAST_SECONDS = 0.05  # of a task: scheduling takes milliseconds
_SECONDS_BETWEEN_COUNTS = 5.0  # clusters may grow and shrink
_PATIENCE = 30.0  # seconds for workers to come, or to be started again


class DaskExecutor(Executor):
    """Submits tasks without retries of Dask's own; their keys begin with the name of the model."""

    least_seconds = _LEAST_SECONDS

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._prefix = re.sub(r"[^A-Za-z]+", "_", name).strip("_") or "tesseract"
        self._workers = 1
        self._has_had_workers = False
        self._counted = -_SECONDS_BETWEEN_COUNTS

    @property
    def workers(self) -> int:
        """The number of workers of the cluster."""
        now = time.monotonic()
        if now - self._counted >= _SECONDS_BETWEEN_COUNTS:
            found = len(self._client.scheduler_info()["workers"])
            self._has_had_workers = self._has_had_workers or found > 0
            self._workers, self._counted = max(found, 1), now
        return self._workers

    def share(self, data: bytes) -> object:
        """Send data to all workers; the result is `data` in the arguments of a task."""
        # By its hash it could be released together with what an earlier call has shared.
        try:
            shared: object = self._client.scatter(
                data, broadcast=True, hash=False, timeout=_PATIENCE
            )
        except TimeoutError:
            raise _without_workers() from None
        self._has_had_workers = True
        return shared

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Submit a task; its future raises `BrokenExecutor` if its worker was lost."""
        key = f"{self._prefix}-{uuid.uuid4().hex}"
        future = self._client.submit(function, *arguments, key=key, pure=False, retries=0)
        try:
            return asyncio.run_coroutine_threadsafe(
                self._result(future), self._client.loop.asyncio_loop
            )
        except KeyboardInterrupt:  # the caller does not get a future to cancel
            future.cancel()
            raise

    async def _result(self, future: distributed.Future) -> Any:
        task = asyncio.ensure_future(future)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_PATIENCE)
                if not task.done():
                    await self._refuse_to_wait_alone()
            return task.result()
        except (KilledWorker, CancelledError) as error:
            raise BrokenExecutor(str(error)) from None
        finally:
            if not task.done():
                task.cancel()
                await future.cancel()

    async def _refuse_to_wait_alone(self) -> None:
        """Raise `ExecutorFailed` if all workers have gone; those of a new cluster may yet come."""
        found = await self._client.scheduler.identity()
        if self._has_had_workers and not found["workers"]:
            raise _without_workers()


def _without_workers() -> ExecutorFailed:
    return ExecutorFailed("The cluster of Dask has no worker. Start workers, and this call again.")
