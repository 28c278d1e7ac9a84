"""The files satisfy the conformance suite of run sinks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from runtime_core.contracts import Run
from runtime_core.testing import LoggedRun, RunSinkConformance
from tesseract_runtime_file_log.reading import StoredRun


class TestFile(RunSinkConformance):
    """The sink file."""

    sink = "file"

    @pytest.fixture
    def target(self) -> str:
        """Return the only target."""
        return "file"

    def read(self, run: Run, target: str) -> LoggedRun:
        """Return the contents of the folder of the run."""
        stored = StoredRun(run.log_folder)
        metrics = defaultdict(list)
        for metric in stored.metrics:
            metrics[metric.key].append((metric.step, metric.value))
        return LoggedRun(
            parameters=stored.parameters,
            metrics=metrics,
            artifacts=contents(stored.artifacts),
            status=stored.status,
        )


def contents(artifacts: Sequence[Path]) -> dict[str, bytes]:
    """Return the files in artifacts by their paths."""
    return {
        path.relative_to(artifact.parent).as_posix(): path.read_bytes()
        for artifact in artifacts
        for path in (artifact, *artifact.rglob("*"))
        if path.is_file()
    }
