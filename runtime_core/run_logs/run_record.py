"""Writing the records of a run: files that only grow and are valid after every record."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime_core.contracts import Artifact, Metric, Parameter, Record
from runtime_core.run_logs.artifact_copies import copy, numbered
from runtime_core.run_logs.run_files import (
    ARTIFACTS,
    METRICS,
    METRICS_HEADER,
    PARAMETERS,
    PARAMETERS_END,
    metric_line,
    parameter_text,
)


class RunRecord:
    """The records of one run in its log folder, which exists.

    Each record is one write that leaves valid files, also when the process is killed. Other
    processes may log to the same run: forks of user code, and a second call with the same id.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored: dict[Path, Path] = {}
        self._named: Counter[str] = Counter()
        self._descriptors: list[int] = []

    def write(self, record: Record) -> None:
        """Store a record; `OSError` if the disk is full."""
        _WRITERS[type(record)](self, record)

    def close(self) -> None:
        """Close the files."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _write_metric(self, metric: Metric) -> None:
        _write_whole(self._metrics, metric_line(metric))

    def _write_parameter(self, parameter: Parameter) -> None:
        """Overwrite the end of the JSON object with one more member and a new end."""
        member = parameter_text(parameter.key, parameter.value)
        with _alone(self._parameters) as size:
            end = max(size - len(PARAMETERS_END), 0)
            text = (b",\n" if size else b"{\n") + member + PARAMETERS_END
            if os.pwrite(self._parameters, text, end) != len(text):
                os.pwrite(self._parameters, PARAMETERS_END, end)
                os.truncate(self._parameters, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write_artifact(self, artifact: Artifact) -> None:
        """Copy a file or folder: user code may change or remove it soon."""
        place = self._stored.get(artifact.path) or self._free_name(artifact.name)
        copy(artifact.path, place, leave_out=self._folder)
        self._stored[artifact.path] = place

    def _free_name(self, name: str) -> Path:
        folder = self._folder / ARTIFACTS
        folder.mkdir(exist_ok=True)
        while True:
            self._named[name] += 1
            place = folder / numbered(name, self._named[name])
            if not os.path.lexists(place):
                return place

    @cached_property
    def _metrics(self) -> int:
        descriptor = self._opened(METRICS, os.O_APPEND)
        with _alone(descriptor) as size:
            if not size:
                _write_whole(descriptor, METRICS_HEADER)
        return descriptor

    @cached_property
    def _parameters(self) -> int:
        return self._opened(PARAMETERS, 0)

    def _opened(self, name: str, flags: int) -> int:
        flags |= os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._folder / name, flags, 0o666)
        self._descriptors.append(descriptor)
        return descriptor


_WRITERS: Mapping[type, Callable[[RunRecord, Any], None]] = {
    Metric: RunRecord._write_metric,
    Parameter: RunRecord._write_parameter,
    Artifact: RunRecord._write_artifact,
}


def _write_whole(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if os.write(descriptor, line) != len(line):
        os.truncate(descriptor, size)  # half a line would spoil the next one too
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _alone(descriptor: int) -> Iterator[int]:
    """Lock a file against other processes of the same run, and yield its size."""
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield os.fstat(descriptor).st_size
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)
