"""MLflow satisfies the conformance suite of run sinks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runtime_core.contracts import Run
from runtime_core.testing import LoggedRun, RunSinkConformance
from tests.mlflow.tracker import Tracker


class TestMlflow(RunSinkConformance):
    """The sink mlflow, with a real server."""

    sink = "mlflow"
    unreachable = "mlflow+http://127.0.0.1:1"

    @pytest.fixture
    def target(self, tracker: Tracker) -> str:
        """Return the server of the session."""
        self.tracker = tracker
        return tracker.target

    def read(self, run: Run, target: str) -> LoggedRun:
        """Return the run on the server."""
        found = self.tracker.run(run.id)
        with TemporaryDirectory() as folder:
            artifacts = self.tracker.artifacts(found, Path(folder))
        return LoggedRun(
            parameters=found.data.params,
            metrics={key: self.tracker.history(found, key) for key in found.data.metrics},
            artifacts=artifacts,
            status=found.info.status,
        )
