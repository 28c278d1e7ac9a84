"""Run logging: what user code logs, and the sinks that keep it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from runtime_core.config import RuntimeConfig


@dataclass(frozen=True, kw_only=True)
class Run:
    """One computation: its id, its endpoint, the run that it belongs to and its own folder.

    What is logged to a run that is not `kept` is dropped. `name` and `version` are those of the
    Tesseract. The folder is made when the first file of the run is.
    """

    id: str
    endpoint: str
    parent_id: str | None = None
    folder: Path = Path()
    name: str = "Tesseract"
    version: str = "unknown"
    kept: bool = True

    @property
    def log_folder(self) -> Path:
        """The folder of the run's log: `tesseract.log` and the files of local sinks."""
        return self.folder / "logs"


class RunStatus(StrEnum):
    """How a run has ended: well, with an error, or with its process."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A named value that describes a run; `value` is made of what JSON has."""

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
    """A file or folder that a run produced, and the name to store it under."""

    path: Path
    name: str


Record = Parameter | Metric | Artifact


class RunHandle(Protocol):
    """One open run of a sink; only one thread at a time uses it.

    The first exception is reported to the operator, and the run goes on without the sink.
    """

    def write(self, records: Sequence[Record]) -> None:
        """Keep records, in the order in which they were logged."""

    def close(self, status: RunStatus) -> None:
        """End the run."""


@runtime_checkable
class StoringRunHandle(RunHandle, Protocol):
    """One open run of a sink that stores copies of artifacts."""

    def stored(self, artifact: Artifact) -> Artifact:
        """Return a written artifact with its stored path, for sinks that read it later."""


@dataclass(frozen=True, kw_only=True)
class RunSink:
    """Declares a sink for targets such as `mlflow+http://host:5000`.

    `open` is called when the first record of a run is there. A `local` sink is written at once by
    the process that computes; when that has died, the run is opened once more by another process,
    to be closed as killed. Other sinks are fed in batches by the process that supervises.

    A `default` sink is used when no other is asked for, and beside every sink that is not local,
    which may be out of reach; each of its handles is a `StoringRunHandle`.

    `clear` removes the log of an earlier run from a folder that a new run gets; each command with
    the same output path gets the same folder.

    `target_from` returns the target that the plugin's own options ask for, or nothing. `check`
    raises `InvalidOption` at the start for a target that can never be opened.
    """

    name: str
    summary: str
    schemes: Collection[str]
    open: Callable[[Run, str, RuntimeConfig], RunHandle]
    local: bool = False
    default: bool = False
    clear: Callable[[Run], None] | None = None
    target_from: Callable[[RuntimeConfig], str | None] | None = None
    check: Callable[[str, RuntimeConfig], None] | None = None
