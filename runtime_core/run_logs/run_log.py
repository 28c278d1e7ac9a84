"""The log of one run, in the process that computes it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, SupportsFloat

from runtime_core.catalog import install_command
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import (
    Artifact,
    Metric,
    Parameter,
    Record,
    Run,
    RunHandle,
    RunStatus,
    StoringRunHandle,
)
from runtime_core.errors import RunNotLogged
from runtime_core.message_texts import exception_text
from runtime_core.run_logs.log_targets import LogTarget
from runtime_core.run_logs.record_json import plain

_log = logging.getLogger(__name__)

_LARGEST_STEP = 2**63 - 1


class Upstream(Protocol):
    """Forwards records to the supervisor of the run."""

    def opened(self, run: Run) -> None:
        """Report that a run has a log, which must be closed."""

    def take(self, run: Run, record: Record) -> None:
        """Take a record for the sinks that are not local."""


class RunLog:
    """The log of one call, for any thread; local sinks write before the log function returns.

    `run` may be a function that makes the run: few calls need its id or its folder.
    """

    def __init__(
        self,
        run: Run | Callable[[], Run],
        targets: Sequence[LogTarget],
        config: RuntimeConfig,
        upstream: Upstream | None = None,
    ) -> None:
        self._run = run
        self._targets = targets
        self._config = config
        self._upstream = upstream
        self._lock = threading.RLock()  # a handler of a signal may log while something is logged
        self._handles: dict[LogTarget, RunHandle] = {}
        self._is_open = False
        self._reported: set[LogTarget] = set()
        self._steps: dict[str, int] = {}
        self._evaluations: list[Run] = []
        self._closed = False
        self._problem: RunNotLogged | None = None
        self.progress: tuple[float, str | None] | None = None
        """The part of the run that is done and a message, as its code has reported them."""

    @property
    def has_files(self) -> bool:
        """Whether something has been logged."""
        return self._is_open

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

    def close(self, status: RunStatus) -> None:
        """End the run in the local sinks; `RunNotLogged` if `--log-to-strict` is violated."""
        with self._lock:
            self._closed = True
            for target, handle in self._handles.items():
                try:
                    handle.close(status)
                # A sink may raise anything, and the result must not suffer.
                except Exception as error:
                    self._note(target, error)
            self._handles.clear()
        if self._problem is not None and status is RunStatus.FINISHED:
            raise self._problem

    def _write(self, record: Record) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"Run {self.run.id} has ended: nothing can be logged to it now.")
            self._open()
            for target in self._chosen(local=True):
                try:
                    if target not in self._handles:  # opening is retried after a failure
                        self._handles[target] = target.open(self.run, self._config)
                    self._handles[target].write((record,))
                # A sink may raise anything, and the computation must not suffer.
                except Exception as error:
                    self._failed(target, error)
            self._forward(record)

    def _forward(self, record: Record) -> None:
        distant = self._chosen(local=False)
        if self._upstream is None or not distant:
            return
        try:
            self._upstream.take(self.run, self._as_stored(record))
        except OSError as error:  # the disk of the record file may be full
            self._failed(distant[0], error)

    def _open(self) -> None:
        if self._is_open:
            return
        if self._upstream is not None:
            self._upstream.opened(self.run)
        self._is_open = True
        if not self._targets:
            _log.warning(
                "Run %s is not logged, because no run sink is installed. Install one with: %s",
                self.run.id,
                install_command("tesseract-runtime-file-log"),
            )

    def _chosen(self, *, local: bool) -> Sequence[LogTarget]:
        return [target for target in self._targets if target.sink.value.local is local]

    def _as_stored(self, record: Record) -> Record:
        """Return a record with the path of its copy: user code may remove its own file."""
        if isinstance(record, Artifact):
            for handle in self._handles.values():
                if isinstance(handle, StoringRunHandle):
                    return handle.stored(record)
        return record

    def _failed(self, target: LogTarget, error: Exception) -> None:
        """Report the first failure of a sink in this run; it may take later records again."""
        self._note(target, error)
        if self._problem is not None:
            raise self._problem from error

    def _note(self, target: LogTarget, error: Exception) -> None:
        failure = f"Run {self.run.id} cannot be logged to {target}: {exception_text(error)}."
        if self._config.log_to_strict:
            self._problem = self._problem or RunNotLogged(failure)
        elif target not in self._reported:
            self._reported.add(target)
            _log.warning("%s Something is missing there.", failure)


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
