"""Runs that a test records without a call."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runtime_core.contracts import Metric, Record, Run, RunStatus
from runtime_core.run_logs import StoredRun
from runtime_core.run_logs.run_document import begin_run, end_run
from runtime_core.run_logs.run_record import RunRecord


class RecordedRun:
    """A run with its document and its records."""

    def __init__(self, run: Run) -> None:
        begin_run(run)
        self._run = run
        self._record = RunRecord(run.log_folder)

    def write(self, records: Sequence[Record]) -> None:
        """Record what was logged."""
        for record in records:
            self._record.write(record)

    def close(self, status: RunStatus) -> None:
        """End the run."""
        self._record.close()
        end_run(self._run, status)


Open = Callable[..., RecordedRun]


def metric(key: str = "loss", value: float = 0.5, step: int = 0, **facts: Any) -> Metric:
    """Return a metric."""
    return Metric(key=key, value=value, step=step, timestamp=facts.get("timestamp", 1.5e9))


def stored_document(
    output_path: Path, name: str, *, days_ago: float = 0, **facts: Any
) -> StoredRun:
    """Write the log of a run that has ended some days ago."""
    folder = output_path / name / "logs"
    folder.mkdir(parents=True)
    started = f"2026-01-{30 - int(days_ago):02}T00:00:00+00:00"
    known = {"id": name.removeprefix("run_"), "started": started, "status": "FINISHED", **facts}
    (folder / "run.json").write_text(json.dumps(known))
    long_ago = time.time() - days_ago * 86_400
    for path in (folder / "run.json", folder):
        os.utime(path, (long_ago, long_ago))
    return StoredRun(folder)
