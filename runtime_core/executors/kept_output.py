"""The output of calls whose runs are kept, in the log of each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Call, Reply, Run
from runtime_core.errors import NotWritten, TesseractRuntimeError
from runtime_core.run_logs.recorded_call import outcome_facts, status_of
from runtime_core.run_logs.run import remove_earlier, run_of
from runtime_core.run_logs.run_document import end_run
from runtime_core.run_logs.standard_output import output_redirected
from runtime_core.run_logs.text_log import text_log_path
from runtime_core.runtime import Runtime


def answered(call: Call, runtime: Runtime, answer: Callable[[Call], Reply]) -> Reply:
    """Answer a call by a function; what is printed in a run that is kept goes to its log."""
    if not call.kept:
        return answer(call)
    run = run_of(call, runtime.config)
    try:
        remove_earlier(run)  # also what a lost process has left of it
        with _output_of(run):
            reply = answer(replace(call, new_run=True))
        record_end(run, reply)
        return reply
    except TesseractRuntimeError as error:
        fault = fault_of(error)
    except OSError as error:
        problem = f"The log of run {run.id} cannot be written: {error}."
        fault = fault_of(NotWritten(problem))
    return Reply(run_id=call.run_id, format=call.output.format, fault=fault)


@contextmanager
def _output_of(run: Run) -> Iterator[None]:
    """Keep what is printed inside the `with`, also by a process that dies there.

    The log gets its place at the end, and only if there is output: folders are slow to remove.
    """
    draft = _draft_of(run)
    draft.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb", buffering=0) as file, output_redirected(file.fileno()):
        yield
    keep_output(run)


def keep_output(run: Run) -> None:
    """Make the output of a run its log, unless there is none."""
    draft, log = _draft_of(run), text_log_path(run)
    with suppress(FileNotFoundError):  # it has been kept already, or the process never began
        if draft.stat().st_size == 0:
            draft.unlink()
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(log)


def record_end(run: Run, reply: Reply) -> None:
    """Record the end of a run that has a log."""
    with suppress(OSError, NotWritten):  # what could not be logged has been reported
        if run.log_folder.is_dir():
            end_run(run, status_of(reply), **outcome_facts(reply))


def _draft_of(run: Run) -> Path:
    return run.folder.with_name(f".{run.folder.name}.log")
