"""Computing calls in processes of their own; nothing here knows of HTTP."""

from runtime_core.workers.bodies import ArrivingBody
from runtime_core.workers.contract import Workers
from runtime_core.workers.in_process import InProcessWorkers
from runtime_core.workers.pool import WorkerPool
from runtime_core.workers.process import WorkerSettings

__all__ = ["ArrivingBody", "InProcessWorkers", "WorkerPool", "WorkerSettings", "Workers"]
