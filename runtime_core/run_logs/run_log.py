"""The log of one run, in the process that computes it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, SupportsFloat

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import (
    Artifact,
    KeepingRunHandle,
    Metric,
    Parameter,
    Record,
    RunHandle,
    RunStatus,
)
from runtime_core.errors import RunNotLogged
from runtime_core.faults import exception_text
from runtime_core.run_logs.records import plain
from runtime_core.run_logs.targets import LogTarget
from runtime_core.runs import Run

_log = logging.getLogger(__name__)


class Upstream(Protocol):
    """Takes what is logged on to whoever supervises the run."""

    def opened(self, run: Run) -> None:
        """Note that something is logged to a run, which must then be closed."""

    def take(self, run: Run, record: Record) -> None:
        """Take a record for the sinks that are not local."""


class RunLog:
    """What is logged during one call: local sinks have it when the call to log returns.

    Nothing is opened before the first record. Any thread may log.
    """

    def __init__(
        self,
        run: Run,
        targets: Sequence[LogTarget],
        config: RuntimeConfig,
        upstream: Upstream | None = None,
    ) -> None:
        self.run = run
        self._targets = targets
        self._config = config
        self._upstream = upstream
        self._has_distant = any(not target.sink.value.local for target in targets)
        self._lock = threading.Lock()
        self._handles: dict[LogTarget, RunHandle] | None = None
        self._told: set[LogTarget] = set()
        self._steps: Counter[str] = Counter()
        self._closed = False

    def parameter(self, key: str, value: Any) -> None:
        """Log a value that describes the run."""
        self._write(Parameter(key=str(key), value=plain(value)))

    def metric(self, key: str, value: SupportsFloat, step: int | None) -> None:
        """Log a number; without a `step` the values of a key are counted."""
        key = str(key)
        number = _number(key, value)
        with self._lock:
            if step is None:
                step = self._steps[key]
            self._steps[key] += 1
            record = Metric(key=key, value=number, step=int(step), timestamp=time.time())
            self._write_locked(record)

    def artifact(self, path: str | os.PathLike[str]) -> None:
        """Log a file or folder; `FileNotFoundError` if there is none."""
        found = Path(path).absolute()
        if not (found.is_file() or found.is_dir()):
            raise FileNotFoundError(f"log_artifact: there is no file or folder {str(path)!r}.")
        self._write(Artifact(path=found, name=found.name or "artifact"))

    def close(self, status: RunStatus) -> None:
        """End the run in the local sinks."""
        with self._lock:
            self._closed = True
            for target, handle in (self._handles or {}).items():
                try:
                    handle.close(status)
                # A sink may raise anything, and the result must not suffer.
                except Exception as error:
                    self._failed(target, error)
            self._handles = None

    def _write(self, record: Record) -> None:
        with self._lock:
            self._write_locked(record)

    def _write_locked(self, record: Record) -> None:
        if self._closed:
            raise RuntimeError(f"Run {self.run.id} has ended: nothing can be logged to it now.")
        for target, handle in self._opened().items():
            try:
                handle.write((record,))
            # A sink may raise anything, and the computation must not suffer.
            except Exception as error:
                self._failed(target, error)
        if self._upstream is not None and self._has_distant:
            self._upstream.take(self.run, self._as_kept(record))

    def _opened(self) -> dict[LogTarget, RunHandle]:
        if self._handles is None:
            self._handles = {}
            if self._upstream is not None:
                self._upstream.opened(self.run)
            self._handles.update(self._open())
        return self._handles

    def _open(self) -> Iterator[tuple[LogTarget, RunHandle]]:
        for target in self._targets:
            if target.sink.value.local:
                try:
                    yield target, target.open(self.run, self._config)
                # A sink may raise anything, and the computation must not suffer.
                except Exception as error:
                    self._failed(target, error)

    def _as_kept(self, record: Record) -> Record:
        """Return a record that can be read later: user code may remove its files at once."""
        if isinstance(record, Artifact):
            for handle in (self._handles or {}).values():
                if isinstance(handle, KeepingRunHandle):
                    return handle.kept(record)
        return record

    def _failed(self, target: LogTarget, error: Exception) -> None:
        """Tell of the first failure of a sink in this run; it may take later records again."""
        if self._config.log_to_strict:
            raise RunNotLogged(_failure(self.run, target, error)) from error
        if target not in self._told:
            self._told.add(target)
            _log.warning("%s Something is missing there.", _failure(self.run, target, error))


def _failure(run: Run, target: LogTarget, error: Exception) -> str:
    return f"Run {run.id} cannot be logged to {target}: {exception_text(error)}."


def _number(key: str, value: SupportsFloat) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"log_metric: the value of {key!r} must be a number, not {value!r:.60}. Use "
            "log_parameter for anything else."
        ) from None
