"""Writing the log of a run: files that only grow and are valid after every record."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Artifact, Metric, Parameter, Record, Run, RunStatus
from runtime_core.errors import InvalidOption
from runtime_core.files import write
from tesseract_runtime_file_log.layout import (
    ARTIFACTS,
    DRAFT,
    FACTS,
    METRICS,
    METRICS_HEADER,
    PARAMETERS,
    PARAMETERS_END,
    RUNNING,
    facts_text,
    metric_line,
    parameter_text,
    read_facts,
)


def check(target: str, config: RuntimeConfig) -> None:
    """Refuse a target with a path: the output path determines where runs are logged."""
    if target != "file":
        raise InvalidOption(
            f"--log-to {target!r}: write just 'file'; the files are put where --output-path says."
        )


def open_run(run: Run, target: str, config: RuntimeConfig) -> FileRun:
    """Open or reopen the log of a run; `OSError` if its folder cannot be written."""
    folder = run.log_folder
    folder.mkdir(parents=True, exist_ok=True)
    known = read_facts(folder)
    facts = {
        "id": run.id,
        "endpoint": run.endpoint,
        "name": run.name,
        "version": run.version,
        "parent_id": run.parent_id,
        "started": known.get("started") or _now(),
        "ended": None,
        "status": RUNNING,
        "host": socket.gethostname(),
        "pid": os.getpid(),
    }
    write(str(folder / FACTS), [facts_text(facts)])
    return FileRun(folder, facts)


class FileRun:
    """The log folder of one run.

    Each record is one write that leaves valid files, also when the process is killed. Other
    processes may log to the same run: forks of user code, and a second call with the same id.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._facts = facts
        self._stored: dict[Path, Path] = {}
        self._named: Counter[str] = Counter()
        self._descriptors: list[int] = []

    def write(self, records: Sequence[Record]) -> None:
        """Store records; `OSError` if the disk is full."""
        for record in records:
            _WRITERS[type(record)](self, record)

    def stored(self, artifact: Artifact) -> Artifact:
        """Return an artifact with the path of its copy in the log folder."""
        path = self._stored.get(artifact.path, artifact.path)
        return Artifact(path=path, name=path.name)

    def close(self, status: RunStatus) -> None:
        """Write the status and the end of the run."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        if status is RunStatus.KILLED:
            for draft in (self._folder / ARTIFACTS).glob(f"{DRAFT}*"):
                _discard(draft)  # of a copy that the end of its process has cut short
        facts = {**self._facts, "status": str(status), "ended": _now()}
        write(str(self._folder / FACTS), [facts_text(facts)])

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
        if artifact.path != place:
            _copy(artifact.path, place, leave_out=self._folder)
        self._stored[artifact.path] = place

    def _free_name(self, name: str) -> Path:
        folder = self._folder / ARTIFACTS
        folder.mkdir(exist_ok=True)
        while True:
            self._named[name] += 1
            place = folder / _numbered(name, self._named[name])
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


_WRITERS: Mapping[type, Callable[[FileRun, Any], None]] = {
    Metric: FileRun._write_metric,
    Parameter: FileRun._write_parameter,
    Artifact: FileRun._write_artifact,
}


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{Path(name).stem}-{number}{Path(name).suffix}"


def _now() -> str:
    return datetime.now(UTC).isoformat()


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


def _copy(source: Path, place: Path, *, leave_out: Path) -> None:
    """Copy a file or folder, atomically for readers and without the log folder itself."""
    draft = place.with_name(f"{DRAFT}{os.urandom(8).hex()}")
    try:
        if source.is_dir():
            _copy_folder(source, draft, leave_out=os.path.realpath(leave_out))
        else:
            shutil.copy2(source, draft)
        if source.is_dir() or place.is_dir():
            _discard(place)  # an earlier state of the same artifact; a file is replaced by a file
        draft.rename(place)
    except BaseException:
        _discard(draft)
        raise


def _copy_folder(source: Path, draft: Path, *, leave_out: str) -> None:
    def left_out(folder: str, names: list[str]) -> list[str]:
        """Return names that would recurse for ever: the log folder, and links to parents."""
        here = Path(os.path.realpath(folder))
        endless = {leave_out, *map(str, (here, *here.parents))}
        return [name for name in names if os.path.realpath(here / name) in endless]

    try:
        shutil.copytree(source, draft, ignore=left_out, ignore_dangling_symlinks=True)
    except shutil.Error as error:
        *_, (name, _, reason) = error.args[0]
        failed = len(error.args[0])
        raise OSError(f"{failed} files cannot be copied, such as {name!r}: {reason}") from None


def _discard(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # it was a folder, or was not there
        path.unlink()
