"""The log of one run, in the process that computes it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, SupportsFloat

from runtime_core.contracts import Artifact, Metric, Parameter, Record, Run, RunStatus
from runtime_core.errors import NotWritten, RunNotLogged
from runtime_core.message_texts import exception_text
from runtime_core.run_logs.plain_values import plain
from runtime_core.run_logs.run_document import begin_run, end_run
from runtime_core.run_logs.run_record import RunRecord

_log = logging.getLogger(__name__)

_LARGEST_STEP = 2**63 - 1


class RunLog:
    """The log of one call, for any thread; a record is in its file when the log function returns.

    `run` may be a function that makes the run: few calls need its id or its folder. A `strict` log
    raises `RunNotLogged` for a record that cannot be written.
    """

    def __init__(self, run: Run | Callable[[], Run], *, strict: bool = False) -> None:
        self._run = run
        self._strict = strict
        self._lock = threading.RLock()  # a handler of a signal may log while something is logged
        self._record: RunRecord | None = None
        self._is_reported = False
        self._steps: dict[str, int] = {}
        self._evaluations: list[Run] = []
        self._closed = False
        self._problem: RunNotLogged | None = None
        self.progress: tuple[float, str | None] | None = None
        """The part of the run that is done and a message, as its code has reported them."""

    @property
    def has_files(self) -> bool:
        """Whether the run has a log folder, with its record."""
        return self._record is not None

    @property
    def run(self) -> Run:
        """The run of the call."""
        with self._lock:
            run = self._run
            self._run = run if isinstance(run, Run) else run()
            return self._run

    @property
    def current_run(self) -> Run:
        """The run of threads without a context: the evaluation under way, else that of the call."""
        return self._evaluations[-1] if self._evaluations else self.run

    @contextmanager
    def evaluating(self, run: Run) -> Iterator[None]:
        """Make an evaluation the run of threads without a context inside the `with`."""
        self._evaluations.append(run)
        try:
            yield
        finally:
            self._evaluations.pop()

    def parameter(self, key: str, value: Any) -> None:
        """Log a value that describes the run."""
        self._write(Parameter(key=str(key), value=plain(value)))

    def metric(self, key: str, value: SupportsFloat, step: int | None) -> None:
        """Log a number; without a `step` the values of a key are counted."""
        key = str(key)
        number = _number(key, value)
        given = None if step is None else _whole(key, step)
        with self._lock:
            count = self._steps.get(key, 0)
            at = count if given is None else given
            self._steps[key] = count + 1
            self._write(Metric(key=key, value=number, step=at, timestamp=time.time()))

    def artifact(self, path: str | os.PathLike[str]) -> None:
        """Log a file or folder; `FileNotFoundError` if there is none."""
        found = Path(path).absolute()
        if not os.fspath(path) or not (found.is_file() or found.is_dir()):
            raise FileNotFoundError(f"log_artifact: {str(path)!r} is not a file or folder.")
        name = found.resolve().name if found.name == ".." else found.name
        self._write(Artifact(path=found, name=name or "artifact"))

    def begin(self) -> None:
        """Make the log folder of the run, before its first file; a failure is reported."""
        with self._lock:
            try:
                self._opened()
            # Whatever fails, the computation must not suffer.
            except Exception as error:
                self._failed(error)

    def close(self, status: RunStatus) -> None:
        """End the record of the run; `RunNotLogged` if a strict log has missed something."""
        with self._lock:
            self._closed = True
            if self._record is not None:
                self._record.close()
                try:
                    end_run(self.run, status, progress=self.progress)
                except (OSError, NotWritten) as error:
                    self._note(error)
        if self._problem is not None and status is RunStatus.FINISHED:
            raise self._problem

    def _write(self, record: Record) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"Run {self.run.id} has ended: nothing can be logged to it now.")
            try:
                self._opened().write(record)
            # The disk may be full or a file unreadable, and the computation must not suffer.
            except Exception as error:
                self._failed(error)

    def _opened(self) -> RunRecord:
        if self._record is None:
            begin_run(self.run)
            self._record = RunRecord(self.run.log_folder)
        return self._record

    def _failed(self, error: Exception) -> None:
        """Report the first failure in this run; later records may be written again."""
        self._note(error)
        if self._problem is not None:
            raise self._problem from error

    def _note(self, error: Exception) -> None:
        failure = f"Run {self.run.id} cannot be logged: {exception_text(error)}."
        if self._strict:
            self._problem = self._problem or RunNotLogged(failure)
        elif not self._is_reported:
            self._is_reported = True
            _log.warning("%s Something is missing in its folder.", failure)


def _whole(key: str, step: Any) -> int:
    with suppress(TypeError, ValueError, OverflowError):
        whole = int(step)
        if whole == step and abs(whole) <= _LARGEST_STEP:
            return whole
    raise TypeError(
        f"log_metric: the step of {key!r} must be a whole number of 64 bits, not {_shown(step)}."
    )


def _number(key: str, value: SupportsFloat) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"log_metric: the value of {key!r} must be a number, not {_shown(value)}. Use "
            "log_parameter for anything else."
        ) from None


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except Exception:  # the author's own method failed, or the number is too long
        return f"a {type(value).__name__}"
