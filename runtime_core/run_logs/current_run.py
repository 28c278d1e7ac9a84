"""The run that the code of an author runs in, also in threads without a context."""

from __future__ import annotations

from pathlib import Path

from runtime_core.calls import scope
from runtime_core.contracts import CurrentCall, Run
from runtime_core.run_logs.run_log import RunLog


def current_call() -> CurrentCall:
    """Return the endpoint, the run id, the caller and the metadata of the running call.

    Metadata are header fields that came with the call, as `traceparent`; see `Call`. In an
    evaluation of a gradient they are those of the call that needs it. Raises `RuntimeError` outside
    of a call.
    """
    here = scope.entered()
    log = here.log if here is not None else None
    run = (log or _only_running("current_call")).run
    return CurrentCall(
        endpoint=run.endpoint,
        run_id=run.id,
        parent_run_id=run.parent_id,
        caller=run.caller,
        metadata=run.metadata,
    )


def run_directory() -> Path:
    """Return the folder for files of the running call, `run_<ID>` in the output path.

    It is made when it is first asked for. No other call writes to it, as calls of other workers or
    servers may write to the output path itself. An evaluation of a gradient has its own folder,
    which is removed at its end. Raises `RuntimeError` outside of a run.
    """
    run = _current_run("run_directory")
    run.folder.mkdir(parents=True, exist_ok=True)
    log = current_log("run_directory")
    if log is not None and log.run is run:
        log.begin()
    return run.folder


def current_log(function: str) -> RunLog | None:
    """Return the log of the running call; `None` if its records are dropped."""
    here = scope.entered()
    if here is not None and here.run is not None and not here.run.kept:
        return None
    if here is not None and here.log is not None:
        return here.log
    log = _only_running(function)
    return log if log.current_run.kept else None


def _current_run(function: str) -> Run:
    here = scope.entered()
    if here is not None and here.run is not None:
        return here.run
    return _only_running(function).current_run


def _only_running(function: str) -> RunLog:
    """Return the log of the only running call, to which threads without a context belong."""
    running = scope.running_logs()
    if len(running) == 1:
        return running[0]
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
