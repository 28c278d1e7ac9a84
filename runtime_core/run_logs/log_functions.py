"""The functions that user code calls to log parameters, metrics, artifacts and progress."""

from __future__ import annotations

import os
from typing import Any, SupportsFloat

from runtime_core.calls import scope
from runtime_core.run_logs.current_run import current_log


def log_parameter(key: str, value: Any) -> None:
    """Log a value that describes the current run; `RuntimeError` outside of a run.

    Arrays are logged as lists, and values that JSON does not have as text.
    """
    log = current_log("log_parameter")
    if log is not None:
        log.parameter(key, value)


def log_metric(key: str, value: SupportsFloat, step: int | None = None) -> None:
    """Log a number that is measured in the current run, once or at many steps.

    Without a `step` the values of each key are counted from 0. Raises `RuntimeError` outside of a
    run, and `TypeError` for a value that is not a number.
    """
    log = current_log("log_metric")
    if log is not None:
        log.metric(key, value, step)


def log_artifact(local_path: str | os.PathLike[str]) -> None:
    """Log a file, or a folder with its contents, as it is now.

    Raises `FileNotFoundError` if it does not exist, and `RuntimeError` outside of a run.
    """
    log = current_log("log_artifact")
    if log is not None:
        log.artifact(local_path)


def progress(fraction: SupportsFloat, message: str | None = None) -> None:
    """Report the part of the current run that is done, from 0 to 1, and what it does now.

    A terminal shows it as a bar once the command has taken two seconds. Raises `RuntimeError`
    outside of a run, and `TypeError` for a value that is not a number.
    """
    log = current_log("progress")
    if log is not None:
        log.progress = float(fraction), message
        scope.current().progress.show_part(*log.progress)
