"""Worker processes that compute calls, for servers, clients and executors."""

from runtime_core.workers.body_buffer import BodyBuffer
from runtime_core.workers.in_process import InProcessWorkers
from runtime_core.workers.interface import Workers
from runtime_core.workers.pool import WorkerPool
from runtime_core.workers.worker_process import WorkerSettings

__all__ = ["BodyBuffer", "InProcessWorkers", "WorkerPool", "WorkerSettings", "Workers"]
