"""Run logging: the records of user code, and the sinks that store them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Run:
    """A computation: its id, its endpoint, its parent run and its folder.

    Records of a run that is not `kept` are dropped. `name` and `version` are those of the
    Tesseract, and `caller` and `metadata` are those of the call. The folder is created with the
    first file of the run. Sinks also get the `digest` of the Tesseract's file with the modules
    beside it, and the `versions` of Python and of distributions.
    """

    id: str
    endpoint: str
    parent_id: str | None = None
    folder: Path = Path()
    name: str = "Tesseract"
    version: str = "unknown"
    kept: bool = True
    caller: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    digest: str = ""
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def log_folder(self) -> Path:
        """The folder of the run's log: its text, its records and `run.json`."""
        return self.folder / "logs"


class RunStatus(StrEnum):
    """How a run ended: with a result, with an error, or with its process."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A named value that describes a run; `value` has the types of JSON."""

    key: str
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A number measured at one step of a run; `timestamp` is in seconds since the epoch."""

    key: str
    value: float
    step: int
    timestamp: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file or folder of a run, and the name to store it under."""

    path: Path
    name: str


Record = Parameter | Metric | Artifact


class RunHandle(Protocol):
    """An open run of a sink, used by one thread at a time.

    An exception is reported to the operator; the records of a failed `write` are written again when
    there is news of the run.
    """

    def write(self, records: Sequence[Record]) -> None:
        """Store records; those of a kind come in the order in which they were logged."""

    def close(self, status: RunStatus) -> None:
        """End the run."""


@dataclass(frozen=True, kw_only=True)
class RunSink:
    """Declares a sink for targets such as `mlflow+http://host:5000`.

    `open(run, target, config)` is called when a run has records. A sink follows the record of a run
    in the run's folder, in a thread of the supervising process, and may be slow or unreachable.

    `target_from(config)` returns the target of the plugin's own options, or `None`.
    `check(target, config)` raises
    `InvalidOption` at start for a target that can never be opened.
    """

    name: str
    summary: str
    schemes: Collection[str]
    open: Callable[..., RunHandle]
    target_from: Callable[..., str | None] | None = None
    check: Callable[..., None] | None = None
