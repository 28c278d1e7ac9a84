"""The run sink `memory`: logs stay in this process, in `RUNS`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Record, Run, RunSink
from runtime_core.hookspecs import hookimpl

RUNS: dict[str, list[Record | str]] = {}
"""The records of each run by its id, and its status once it has ended."""


class MemoryRun:
    """Keeps the records of one run."""

    def __init__(self, run: Run, target: str, config: RuntimeConfig) -> None:
        self._records = RUNS.setdefault(run.id, [])

    def write(self, records: Sequence[Record]) -> None:
        """Keep records."""
        self._records.extend(records)

    def close(self, status: str) -> None:
        """Keep the status."""
        self._records.append(status)


@hookimpl
def run_sinks() -> Iterable[RunSink]:
    """Provide memory as a sink."""
    yield RunSink(name="memory", summary="Memory.", schemes=("memory",), open=MemoryRun)
