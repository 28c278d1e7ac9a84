"""The run sink: the metrics of a run as lines of JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from runtime_core.contracts import Metric, Record, Run, RunStatus


class OpenRun:
    """Stores one run in a file of the folder after the scheme of the target."""

    def __init__(self, run: Run, target: str) -> None:
        """Name the file, which begins with the first metric."""
        self._file = Path(target.partition(":")[2], f"{run.id}.jsonl")

    def write(self, records: Sequence[Record]) -> None:
        """Add the metrics among some records."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            for record in records:
                if isinstance(record, Metric):
                    file.write(json.dumps([record.key, record.step, record.value]) + "\n")

    def close(self, status: RunStatus) -> None:
        """End the run."""
