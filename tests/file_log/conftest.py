"""Runs in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Metric, Run
from tesseract_runtime_file_log.reading import StoredRun
from tesseract_runtime_file_log.writing import FileRun, open_run

Open = Callable[..., FileRun]


@pytest.fixture
def opened(catalog: Catalog, tmp_path: Path) -> Open:
    """Return a function that opens a run in its own folder, or in the given one."""
    config = resolve(catalog, flags={}, environment={})

    def make(run_id: str = "a", folder: Path | None = None) -> FileRun:
        folder = folder or tmp_path / f"run_{run_id}"
        return open_run(Run(id=run_id, endpoint="apply", folder=folder), "file", config)

    return make


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return the log folder of the run `a`."""
    return tmp_path / "run_a" / "logs"


@pytest.fixture
def stored(logs: Path) -> StoredRun:
    """Return the stored run `a`."""
    return StoredRun(logs)


def metric(key: str = "loss", value: float = 0.5, step: int = 0, **facts: Any) -> Metric:
    """Return a metric."""
    return Metric(key=key, value=value, step=step, timestamp=facts.get("timestamp", 1.5e9))
