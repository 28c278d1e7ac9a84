"""Writing the log of a run: files that only grow, whole after every record."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Artifact, Metric, Parameter, Record, RunStatus
from runtime_core.errors import InvalidOption
from runtime_core.files import write
from runtime_core.runs import Run
from tesseract_runtime_file_log.layout import (
    ARTIFACTS,
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
    facts = _known_facts(folder)
    if facts.get("id") != run.id:
        _remove_earlier_run(folder)
        facts = _new_facts(run)
    write(str(folder / FACTS), [facts_text(facts)])
    return FileRun(folder, facts)


class FileRun:
    """The log folder of one run.

    Each metric is one line that is written at once, and each parameter one write that leaves the
    file whole, so that nothing is torn when the process is killed and the cost is linear.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._facts = facts
        self._kept: dict[Path, Path] = {}
        self._descriptors: list[int] = []

    def write(self, records: Sequence[Record]) -> None:
        """Keep records; `OSError` if the disk is full."""
        for record in records:
            _WRITERS[type(record)](self, record)

    def kept(self, artifact: Artifact) -> Artifact:
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
        end = os.fstat(self._parameters).st_size - len(PARAMETERS_END)
        start = b"{\n" if end < 0 else b",\n"
        text = start + parameter_text(parameter.key, parameter.value) + PARAMETERS_END
        if os.pwrite(self._parameters, text, max(end, 0)) != len(text):
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
        stem, suffix = Path(name).stem, Path(name).suffix
        place, number = folder / name, 1
        while place.exists():
            number += 1
            place = folder / f"{stem}-{number}{suffix}"
        return place

    @cached_property
    def _metrics(self) -> int:
        descriptor = self._opened(METRICS, os.O_APPEND)
        if not os.fstat(descriptor).st_size:
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


def _new_facts(run: Run) -> Mapping[str, Any]:
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


def _remove_earlier_run(folder: Path) -> None:
    """Make room: a command replaces the log of the one before it with the same output path.

    Files are unlinked, not emptied: a run that still goes on elsewhere writes into its own.
    """
    for name in (FACTS, METRICS, PARAMETERS):
        (folder / name).unlink(missing_ok=True)
    if (folder / ARTIFACTS).is_dir():
        shutil.rmtree(folder / ARTIFACTS)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _write_whole(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _copy(source: Path, place: Path, *, leave_out: Path) -> None:
    """Copy a file or folder so that no reader sees half of a file, without what lies in our own."""
    draft = place.with_name(f".{place.name}.{os.urandom(8).hex()}")
    try:
        if source.is_dir():
            shutil.copytree(
                source,
                draft,
                ignore=lambda folder, names: [n for n in names if Path(folder, n) == leave_out],
                ignore_dangling_symlinks=True,
            )
            shutil.rmtree(place, ignore_errors=True)  # an earlier state of the same folder
        else:
            shutil.copy2(source, draft)
        draft.rename(place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        draft.unlink(missing_ok=True)
        raise
