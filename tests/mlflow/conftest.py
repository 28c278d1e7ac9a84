"""A server that the tests share, and runs that they log to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Run, RunHandle
from runtime_core.run_logs.run import new_run_id
from tests.mlflow.tracker import Tracker, tracking

OpenRun = Callable[..., tuple[Run, RunHandle]]


@pytest.fixture(scope="session")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """Return a server for the whole session: it takes seconds to start."""
    with tracking(tmp_path_factory.mktemp("tracker")) as running:
        yield running


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the variables of MLflow."""
    for name in ("TRACKING_URI", "TRACKING_USERNAME", "TRACKING_PASSWORD", "RUN_ID"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
    for name in ("EXPERIMENT_ID", "EXPERIMENT_NAME"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


@pytest.fixture
def opened(catalog: Catalog, tracker: Tracker) -> OpenRun:
    """Return a function that opens a run, of facts and with the arguments of MLflow."""

    def open_run(arguments: Any = None, **given: Any) -> tuple[Run, RunHandle]:
        facts: dict[str, Any] = {"id": new_run_id(), "endpoint": "apply", **given}
        flags = {} if arguments is None else {"mlflow_run_extra_args": arguments}
        config = resolve(catalog, flags=flags, environment={})
        run = Run(**facts)
        return run, catalog.run_sinks.find("mlflow").open(
            run=run, target=tracker.target, config=config
        )

    return open_run
