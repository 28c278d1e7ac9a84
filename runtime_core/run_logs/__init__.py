"""Run logging: what user code logs during a call, on its way to the sinks that keep it.

`functions` is what user code calls, `run_log` the computing side of a run, `supervision` the side
of whoever supervises it, and `pump` the thread that feeds sinks out of reach of user code.
"""

from runtime_core.run_logs.functions import log_artifact, log_metric, log_parameter
from runtime_core.run_logs.run_log import RunLog, Upstream
from runtime_core.run_logs.supervision import Supervision
from runtime_core.run_logs.targets import LogTarget, log_targets

__all__ = [
    "LogTarget",
    "RunLog",
    "Supervision",
    "Upstream",
    "log_artifact",
    "log_metric",
    "log_parameter",
    "log_targets",
]
