"""The metrics of the machine that MLflow records beside those of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

_log = logging.getLogger(__name__)


def start_monitor(
    run_id: str, tracking_uri: str, arguments: Mapping[str, Any]
) -> Callable[[], None]:
    """Record the metrics of the machine if the arguments or MLflow's variable ask for it.

    Return the function that ends it. A machine that cannot be measured is a warning, as in MLflow.
    """
    wanted = arguments.get("log_system_metrics")
    if wanted is None:
        wanted = MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get()  # type: ignore[no-untyped-call]  # theirs
    if not wanted:
        return _do_nothing
    try:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor  # psutil

        resumed = arguments.get("run_id") is not None
        monitor: Any = SystemMetricsMonitor(  # type: ignore[no-untyped-call]  # it is MLflow's
            run_id, resume_logging=resumed, tracking_uri=tracking_uri
        )
    # Sensors of any machine may fail in any way.
    except Exception as error:
        _log.warning("MLflow cannot log the metrics of this machine: %s", error)
        return _do_nothing
    monitor.start()
    finish: Callable[[], None] = monitor.finish
    return finish


def _do_nothing() -> None:
    pass
