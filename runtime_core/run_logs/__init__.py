"""Run logging: what user code logs during a call, on its way to the sinks that keep it.

`functions` is what user code calls, `run_log` the computing side of a run, `supervisor` the side
of whoever supervises it, and `thread` the thread that feeds sinks out of reach of user code.
"""

from runtime_core.run_logs.log_functions import log_artifact, log_metric, log_parameter
from runtime_core.run_logs.log_targets import LogTarget, log_targets
from runtime_core.run_logs.run_log import RunLog, Upstream
from runtime_core.run_logs.supervisor import RunSupervisor

__all__ = [
    "LogTarget",
    "RunLog",
    "RunSupervisor",
    "Upstream",
    "log_artifact",
    "log_metric",
    "log_parameter",
    "log_targets",
]
