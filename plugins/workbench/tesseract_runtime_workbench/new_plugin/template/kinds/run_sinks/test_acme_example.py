"""Tests of the run sink."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from runtime_core.contracts import Run
from runtime_core.testing import LoggedRun, RunSinkConformance


class TestRunSink(RunSinkConformance):
    """The run sink does what every run sink must do."""

    sink = "acme-example"

    @pytest.fixture
    def target(self, tmp_path: Path) -> str:
        """Return the value of `--log-to`."""
        return f"acme-example:{tmp_path / 'logged'}"

    def read(self, run: Run, target: str) -> LoggedRun:
        """Return the records of a run in the sink."""
        metrics = defaultdict(list)
        file = Path(target.partition(":")[2], f"{run.id}.jsonl")
        for line in file.read_text("utf-8").splitlines():
            key, step, value = json.loads(line)
            metrics[key].append((step, value))
        return LoggedRun(parameters=None, metrics=metrics, artifacts=None, status=None)
