"""Writing the log of a run: files that only grow, whole after every record."""

from __future__ import annotations

import errno
import fcntl
import json
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
)


def check(target: str, config: RuntimeConfig) -> None:
    """Refuse a target that names a place: the output path is where runs are kept."""
    if target != "file":
        raise InvalidOption(
            f"--log-to {target!r}: write just 'file'; the files are put where --output-path says."
        )


def open_run(run: Run, target: str, config: RuntimeConfig) -> FileRun:
    """Open the log of a run, or open it once more; `OSError` if its folder cannot be written."""
    folder = run.log_folder
    folder.mkdir(parents=True, exist_ok=True)
    known = _known_facts(folder)
    if known.get("id") != run.id:
        _make_room(folder, known)
    facts = _new_facts(run)
    if known.get("id") == run.id:
        facts["started"] = known.get("started")
    write(str(folder / FACTS), [facts_text(facts)])
    return FileRun(folder, facts)


def clear(run: Run) -> None:
    """Remove what another run has left in the log folder of a run that begins."""
    known = _known_facts(run.log_folder)
    if known.get("id") not in (None, run.id):
        _make_room(run.log_folder, known)


class FileRun:
    """The log folder of one run.

    Each metric is one line that is written at once, and each parameter one write that leaves the
    file whole, so that nothing is torn when the process is killed and the cost is linear. Other
    processes may log to the same run: forks of user code, and a second call with the same id.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._facts = facts
        self._kept: dict[Path, Path] = {}
        self._named: Counter[str] = Counter()
        self._descriptors: list[int] = []

    def write(self, records: Sequence[Record]) -> None:
        """Keep records; `OSError` if the disk is full."""
        for record in records:
            _WRITERS[type(record)](self, record)

    def stored(self, artifact: Artifact) -> Artifact:
        """Return an artifact as it is in the log folder."""
        path = self._kept.get(artifact.path, artifact.path)
        return Artifact(path=path, name=path.name)

    def close(self, status: RunStatus) -> None:
        """Note how the run has ended."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        facts = {**self._facts, "status": str(status), "ended": _now()}
        write(str(self._folder / FACTS), [facts_text(facts)])

    def _write_metric(self, metric: Metric) -> None:
        _write_whole(self._metrics, metric_line(metric))

    def _write_parameter(self, parameter: Parameter) -> None:
        """Write over the end of the JSON object, which then ends anew."""
        member = parameter_text(parameter.key, parameter.value)
        with _alone(self._parameters) as size:
            end = max(size - len(PARAMETERS_END), 0)
            text = (b",\n" if size else b"{\n") + member + PARAMETERS_END
            if os.pwrite(self._parameters, text, end) != len(text):
                os.pwrite(self._parameters, PARAMETERS_END, end)
                os.truncate(self._parameters, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write_artifact(self, artifact: Artifact) -> None:
        """Copy a file or folder: user code may change or remove it at once."""
        place = self._kept.get(artifact.path) or self._free_name(artifact.name)
        if artifact.path != place:
            _copy(artifact.path, place, leave_out=self._folder)
        self._kept[artifact.path] = place

    def _free_name(self, name: str) -> Path:
        """Return where an artifact goes; another one of the same name keeps its own place."""
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


def _known_facts(folder: Path) -> Mapping[str, Any]:
    """Return what was noted of the run that has used the folder last, if it was one of ours."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _new_facts(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "endpoint": run.endpoint,
        "name": run.name,
        "version": run.version,
        "parent_id": run.parent_id,
        "started": _now(),
        "ended": None,
        "status": RUNNING,
        "host": socket.gethostname(),
        "pid": os.getpid(),
    }


def _make_room(folder: Path, earlier: Mapping[str, Any]) -> None:
    """Remove what the run before has left here; what is nobody's run is only moved aside."""
    if "id" in earlier:
        _remove_earlier_run(folder)
        return
    for name in (METRICS, PARAMETERS, ARTIFACTS):
        if os.path.lexists(folder / name):
            (folder / name).rename(_place_aside(folder, name))


def _remove_earlier_run(folder: Path) -> None:
    """Make room: a command replaces the log of the one before it with the same output path.

    Files are unlinked, not emptied: a run that still goes on elsewhere writes into its own.
    """
    if (folder / ARTIFACTS).is_dir():
        shutil.rmtree(folder / ARTIFACTS)
    for name in (METRICS, PARAMETERS, FACTS):
        (folder / name).unlink(missing_ok=True)


def _place_aside(folder: Path, name: str) -> Path:
    number = 1
    while os.path.lexists(place := folder / _numbered(f"earlier-{name}", number)):
        number += 1
    return place


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
    """Give the size of a file that no other process of the same run writes to meanwhile."""
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield os.fstat(descriptor).st_size
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)


def _copy(source: Path, place: Path, *, leave_out: Path) -> None:
    """Copy a file or folder so that no reader sees half of a file, without what lies in our own."""
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
        """Return what would never end: our own folder, and links to what they lie in."""
        here = Path(os.path.realpath(folder))
        endless = {leave_out, *map(str, (here, *here.parents))}
        return [name for name in names if os.path.realpath(here / name) in endless]

    try:
        shutil.copytree(source, draft, ignore=left_out, ignore_dangling_symlinks=True)
    except shutil.Error as error:
        *_, (name, _, reason) = error.args[0]
        count = len(error.args[0])
        raise OSError(f"{count} files cannot be copied, such as {name!r}: {reason}") from None


def _discard(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # it was a folder, or was not there
        path.unlink()
