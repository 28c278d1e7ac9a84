"""Run logging: what user code logs, and the sinks that keep it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runtime_core.config import RuntimeConfig
    from runtime_core.runs import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A named value that describes a run."""

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
    """A file or folder that a run produced."""

    path: Path


Record = Parameter | Metric | Artifact


class RunHandle(Protocol):
    """One open run of a sink."""

    def write(self, records: Sequence[Record]) -> None:
        """Keep records, in the order in which they were logged."""

    def close(self, status: str) -> None:
        """End the run as `FINISHED`, `FAILED` or `KILLED`."""


@dataclass(frozen=True, kw_only=True)
class RunSink:
    """Declares a sink for targets such as `mlflow+http://host:5000`.

    `local` sinks are written at once by the process that computes; others are fed in batches by
    the process that supervises it.
    """

    name: str
    summary: str
    schemes: Collection[str]
    open: Callable[[Run, str, RuntimeConfig], RunHandle]
    local: bool = False
