"""A real MLflow server in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from tests.patience import patient, wait_until
from tests.ports import free_port

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""The server does nothing but what it is asked for."""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def uri(self) -> str:
        """Return the address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def target(self) -> str:
        """The target for `--log-to`."""
        return f"mlflow+{self.uri}"

    @property
    def client(self) -> MlflowClient:
        """Return a client of MLflow itself."""
        return MlflowClient(self.uri)

    def run(self, run_id: str, experiment_id: str = "0") -> MlflowRun:
        """Return the only MLflow run of a run of a Tesseract."""
        [found] = self.runs(run_id, experiment_id)
        return found

    def runs(self, run_id: str, experiment_id: str = "0") -> list[MlflowRun]:
        """Return the MLflow runs of a run of a Tesseract."""
        query = f"tags.`tesseract.run_id` = '{run_id}'"
        return list(self.client.search_runs([experiment_id], query))

    def history(self, mlflow_run: MlflowRun, key: str) -> list[tuple[int, float]]:
        """Return steps and values of a metric."""
        history = self.client.get_metric_history(mlflow_run.info.run_id, key)
        return [(metric.step, metric.value) for metric in history]

    def artifacts(self, mlflow_run: MlflowRun, folder: Path) -> dict[str, bytes]:
        """Return the files of a run by their paths; `folder` is where they are downloaded to."""
        if not self.client.list_artifacts(mlflow_run.info.run_id):
            return {}  # no folder could be downloaded
        folder.mkdir(parents=True, exist_ok=True)
        root = Path(self.client.download_artifacts(mlflow_run.info.run_id, "", str(folder)))
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    def signal(self, number: int) -> None:
        """Send a signal to the server and its processes."""
        os.killpg(self.process.pid, number)


@contextmanager
def tracking(folder: Path, port: int | None = None) -> Iterator[Tracker]:
    """Run a server whose runs are in a folder, and end it in any case."""
    port = port or free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ],
        cwd=folder,
        env=os.environ | QUIET,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for_health(port, process)
        yield Tracker(port=port, process=process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_health(port: int, process: subprocess.Popen[Any]) -> None:
    def is_healthy() -> bool:
        assert process.poll() is None, "the server has ended"
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=patient(5)).close()
            return True
        return False

    wait_until(is_healthy)
