"""Run logging: from the functions that user code calls to the sinks."""

from runtime_core.run_logs.current_run import run_directory
from runtime_core.run_logs.log_functions import log_artifact, log_metric, log_parameter, progress
from runtime_core.run_logs.log_targets import LogTarget, configured_targets
from runtime_core.run_logs.recorded_call import MASK
from runtime_core.run_logs.run import (
    RUN_ID_PATTERN,
    checked_run_id,
    new_run_id,
    run_name,
    unlogged_run,
)
from runtime_core.run_logs.run_folders import StoredRun, stored_run, stored_runs
from runtime_core.run_logs.run_log import RunLog
from runtime_core.run_logs.sink_thread import SentRun
from runtime_core.run_logs.standard_output import output_redirected, write_all
from runtime_core.run_logs.supervisor import RunSupervisor

__all__ = [
    "LogTarget",
    "MASK",
    "RUN_ID_PATTERN",
    "RunLog",
    "RunSupervisor",
    "SentRun",
    "StoredRun",
    "checked_run_id",
    "log_artifact",
    "log_metric",
    "log_parameter",
    "configured_targets",
    "new_run_id",
    "output_redirected",
    "progress",
    "run_directory",
    "run_name",
    "stored_run",
    "stored_runs",
    "unlogged_run",
    "write_all",
]
