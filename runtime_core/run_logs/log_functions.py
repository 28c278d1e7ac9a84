"""The functions that user code calls to log parameters, metrics and artifacts."""

from __future__ import annotations

import os
from typing import Any, SupportsFloat

from runtime_core.calls import scope
from runtime_core.run_logs.run_log import RunLog


def log_parameter(key: str, value: Any) -> None:
    """Log a value that describes the current run; `RuntimeError` outside of a run.

    Arrays are logged as lists, and values that JSON does not have as text.
    """
    log = _current("log_parameter")
    if log is not None:
        log.parameter(key, value)


def log_metric(key: str, value: SupportsFloat, step: int | None = None) -> None:
    """Log a number that is measured in the current run, once or at many steps.

    Without a `step` the values of each key are counted from 0. Raises `RuntimeError` outside of a
    run, and `TypeError` for a value that is not a number.
    """
    log = _current("log_metric")
    if log is not None:
        log.metric(key, value, step)


def log_artifact(local_path: str | os.PathLike[str]) -> None:
    """Log a file, or a folder with its contents, as it is now.

    Raises `FileNotFoundError` if it does not exist, and `RuntimeError` outside of a run.
    """
    log = _current("log_artifact")
    if log is not None:
        log.artifact(local_path)


def _current(function: str) -> RunLog | None:
    """Return the log of the running call; `None` if its records are dropped."""
    here = scope.entered()
    if here is not None and here.run is not None and not here.run.kept:
        return None
    if here is not None and here.log is not None:
        return here.log
    # A thread that was started without a context belongs to the only running call.
    running = scope.running_logs()
    if len(running) == 1:
        return running[0] if running[0].takes_records else None
    if running:
        raise RuntimeError(
            f"{function} cannot tell which of {len(running)} running calls this thread belongs to. "
            "Start the thread with the context of the call: "
            "Thread(target=contextvars.copy_context().run, args=(function, ...))."
        )
    raise RuntimeError(
        f"{function} was called outside of a run: it works in apply and the other endpoints of a "
        "Tesseract."
    )
