"""Worker processes that compute calls, for servers, clients and executors."""

from runtime_core.workers.body_buffer import BodyBuffer
from runtime_core.workers.in_process import InProcessWorkers
from runtime_core.workers.pool import WorkerPool
from runtime_core.workers.worker_process import WorkerSettings

Workers = WorkerPool | InProcessWorkers
"""Computes the calls of a server inside an `async with`."""

__all__ = ["BodyBuffer", "InProcessWorkers", "WorkerPool", "WorkerSettings", "Workers"]
