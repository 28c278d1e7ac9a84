"""The folders of runs, read back, whether the runs have ended or not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime_core.contracts import Metric, Run, RunStatus
from runtime_core.errors import UnknownName, did_you_mean
from runtime_core.run_logs.run import run_name
from runtime_core.run_logs.run_document import RUNNING, read_document
from runtime_core.run_logs.run_files import TEXT
from runtime_core.run_logs.run_follower import RunFollower


@dataclass(frozen=True)
class StoredRun:
    """The log folder of a run."""

    folder: Path
    known: Mapping[str, Any] | None = field(default=None, compare=False)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The facts of the run that are known, or those in its document."""
        return read_document(self.folder) if self.known is None else self.known

    @property
    def is_valid(self) -> bool:
        """Whether a run has written here; other programs have folders called `logs` too."""
        return "id" in self.facts or (self.folder / TEXT).is_file()

    @property
    def id(self) -> str:
        """The id of the run, or the name of its folder."""
        return str(self.facts.get("id") or self.folder.parent.name.removeprefix(run_name("")))

    @property
    def status(self) -> str:
        """FINISHED, FAILED, KILLED, RUNNING or unknown."""
        status = str(self.facts.get("status", "unknown"))
        # A run that was not closed before its process ended was killed.
        return RunStatus.KILLED if status == RUNNING and self._is_dead else status

    @property
    def _is_dead(self) -> bool:
        """Whether the process that computed the run is known to have ended."""
        pid = self.facts.get("pid")
        if self.facts.get("host") != socket.gethostname() or not isinstance(pid, int):
            return False
        try:
            os.kill(pid, 0)
        except OSError as error:
            return isinstance(error, ProcessLookupError)  # else it belongs to another user
        return False

    @property
    def endpoint(self) -> str:
        """The endpoint that was called."""
        return str(self.facts.get("endpoint", "unknown"))

    @property
    def started(self) -> datetime:
        """The time of the first record, in UTC."""
        try:
            return datetime.fromisoformat(self.facts["started"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            return self.changed

    @property
    def changed(self) -> datetime:
        """The time of the last change, in UTC."""
        return datetime.fromtimestamp(max(_times(self.folder), default=0.0), UTC)

    @property
    def is_running(self) -> bool:
        """Whether the run has not been closed."""
        return self.status == RUNNING

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by key; the last value of a key that was logged repeatedly."""
        return {each.key: each.value for each in RunFollower(self.folder).parameters()}

    @property
    def metrics(self) -> Iterator[Metric]:
        """The metrics in the order in which they were logged, without torn lines."""
        return RunFollower(self.folder).metrics()

    @property
    def artifacts(self) -> list[Path]:
        """The files and folders that were logged."""
        return [artifact.path for artifact in RunFollower(self.folder).artifacts()]

    @property
    def text(self) -> str:
        """The output of the run."""
        try:
            return (self.folder / TEXT).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def run(self) -> Run:
        """The run as sinks open it."""
        return Run(
            id=self.id,
            endpoint=self.endpoint,
            parent_id=self.facts.get("parent_id"),
            folder=self.folder.parent,
            name=str(self.facts.get("name", "Tesseract")),
            version=str(self.facts.get("version", "unknown")),
            caller=self.facts.get("caller"),
            metadata=self.facts.get("metadata") or {},
            digest=str(self.facts.get("digest", "")),
            versions=self.facts.get("versions") or {},
        )


def _times(folder: Path) -> Iterator[float]:
    """Yield the times of change of a folder and its files, except files that vanish."""
    with suppress(OSError):
        for path in (folder, *folder.iterdir()):
            with suppress(FileNotFoundError):
                yield path.stat().st_mtime


def stored_runs(
    output_path: Path, known: Mapping[str, Mapping[str, Any]] | None = None
) -> list[StoredRun]:
    """Return the runs of an output path, the newest first.

    `known` are facts of runs by the names of their folders, which are not read again.
    """
    folders = output_path.glob(f"{run_name('*')}/logs")
    found = (StoredRun(folder, (known or {}).get(folder.parent.name)) for folder in folders)
    runs = [run for run in found if run.is_valid]
    return sorted(runs, key=lambda run: (run.started, run.id), reverse=True)


def stored_run(output_path: Path, name: str) -> StoredRun:
    """Return a run by its id or a unique prefix of it; else raise `UnknownName`."""
    runs = stored_runs(output_path)
    exact = [run for run in runs if name in (run.id, run.folder.parent.name)]
    near = exact or [run for run in runs if run.id.startswith(name)]
    if len(near) == 1 or exact:
        return near[0]
    if near:
        raise UnknownName(f"Run {name!r} may be any of {len(near)}: write more of its id.")
    raise UnknownName(
        f"Unknown run {name!r} in {str(output_path)!r}."
        f"{did_you_mean(name, [run.id for run in runs])} See: tesseract-runtime --output-path "
        f"{output_path} runs list"
    )
