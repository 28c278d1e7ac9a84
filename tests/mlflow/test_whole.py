"""Calls of the command line and of a server in MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Cli, clean_environment
from tests.mlflow.tracker import Tracker
from tests.patience import wait_until
from tests.ports import free_port
from tests.server.conftest import serving

SOURCE = """
import os
from pathlib import Path
from pydantic import BaseModel
from runtime_core.run_logs import log_artifact, log_metric, log_parameter

class InputSchema(BaseModel):
    end: str = "well"

class OutputSchema(BaseModel):
    done: bool

def apply(inputs: InputSchema) -> OutputSchema:
    log_parameter("end", inputs.end)
    for value in (4.0, 2.0, 1.0):
        log_metric("loss", value)
    note = Path(os.environ["NOTES"], f"{os.getpid()}.txt")
    note.write_text("note")
    log_artifact(note)
    note.unlink()
    if inputs.end == "badly":
        raise ValueError("no convergence")
    if inputs.end == "never":
        os.abort()
    return OutputSchema(done=True)
"""
"""A Tesseract that logs, removes its files, and ends as it is told."""

RUN_ID = "Tesseract-Run-Id"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Disable the telemetry of MLflow, and provide a folder for notes."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("NOTES", str(tmp_path))


@pytest.mark.parametrize(
    ("end", "code", "status"), [("well", 0, "FINISHED"), ("badly", 1, "FAILED")]
)
def test_commands_are_logged(
    cli: Cli,
    tesseract: Callable[..., Path],
    tracker: Tracker,
    tmp_path: Path,
    end: str,
    code: int,
    status: str,
) -> None:
    """A strict command waits until its run is there, and prints its result and nothing else."""
    experiment = f"command that ends {end}"
    ended = cli(
        *("--api-path", str(tesseract(SOURCE)), "--name", "notes"),
        *("--mlflow-tracking-uri", tracker.uri, "--log-to-strict"),
        *("--mlflow-run-extra-args", json.dumps({"experiment_name": experiment})),
        *("apply", json.dumps({"inputs": {"end": end}})),
    )
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ('{"done":true}\n' if code == 0 else "")
    found = tracker.client.get_experiment_by_name(experiment)
    assert found is not None
    [run] = tracker.client.search_runs([found.experiment_id])
    assert (run.info.status, run.info.run_name) == (status, "notes apply")
    assert run.data.params == {"end": end}
    assert tracker.history(run, "loss") == [(0, 4.0), (1, 2.0), (2, 1.0)]
    assert list(tracker.artifacts(run, tmp_path / "back").values()) == [b"note"]


def test_away_server_fails_a_strict_command(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """With `--log-to-strict` a run that is not logged is an error."""
    target = f"mlflow+http://127.0.0.1:{free_port()}"
    arguments = ("--api-path", str(tesseract(SOURCE)), "--log-to", target, "--log-to-strict")
    ended = cli(*arguments, "apply", '{"inputs": {}}')
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"cannot be logged to {target}" in ended.stderr


def test_half_of_the_credentials_stops_the_start(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """A server that could never log to MLflow does not start."""
    arguments = ("--api-path", str(tesseract(SOURCE)), "--mlflow-tracking-uri", "host", "serve")
    ended = cli(*arguments, environment={"MLFLOW_TRACKING_USERNAME": "ada"})
    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: MLFLOW_TRACKING_USERNAME is set and MLFLOW_TRACKING_PASSWORD is not: MLflow needs "
        "both or none.\n"
    )


def test_calls_are_logged_as_they_end(
    tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """Calls of a server are runs that finish, fail, or are killed with their worker."""
    parent = tracker.client.create_run("0").info.run_id
    expected = {"well": "FINISHED", "badly": "FAILED", "never": "KILLED"}
    with serving(tesseract(SOURCE), "--log-to", tracker.target) as served:
        ids = {}
        for end in expected:
            body = json.dumps({"inputs": {"end": end}})
            headers = {"Tesseract-Parent-Run-Id": parent, "Content-Type": "application/json"}
            answer = served.request("POST", "/apply", body, headers)
            ids[end] = answer.headers[RUN_ID.lower()]
        for end, status in expected.items():
            wait_until(partial(has_ended, tracker, ids[end]))
            run = tracker.run(ids[end])
            assert run.info.status == status
            assert run.data.tags["mlflow.parentRunId"] == parent
            assert run.data.params == {"end": end}
            assert tracker.history(run, "loss") == [(0, 4.0), (1, 2.0), (2, 1.0)]
            assert list(tracker.artifacts(run, tmp_path / end).values()) == [b"note"]


def has_ended(tracker: Tracker, run_id: str) -> bool:
    """Return `True` if a run exists and is closed."""
    return [run.info.status == "RUNNING" for run in tracker.runs(run_id)] == [False]


def test_away_server_costs_nothing_and_gets_its_runs_later(
    cli: Cli, tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """The result is written, stderr names the missing run, and its files are sent in its place."""
    arguments = ("--api-path", str(tesseract(SOURCE)), "--output-path", str(tmp_path / "out"))
    away = f"mlflow+http://127.0.0.1:{free_port()}"
    ended = cli(*arguments, "--log-to", away, "apply", '{"inputs": {}}')
    assert (ended.returncode, ended.stdout) == (0, '{"done":true}\n')
    assert f"cannot be logged to {away} (tesseract-runtime-mlflow 0.1.0)" in ended.stderr
    assert "Connection refused" in ended.stderr
    [facts] = (tmp_path / "out").rglob("run.json")
    run_id = json.loads(facts.read_text())["id"]
    ended = cli(*arguments, "--log-to", tracker.target, "runs", "send", run_id)
    assert ended.returncode == 0, ended.stderr
    run = tracker.run(run_id)
    assert run.info.status == "FINISHED"
    assert tracker.history(run, "loss") == [(0, 4.0), (1, 2.0), (2, 1.0)]


def test_registration_imports_no_library() -> None:
    """MLflow, which takes seconds to import, is loaded when the first run is logged."""
    program = (
        "import os, sys; from runtime_core.plugins import load_catalog; "
        "from runtime_core.config import resolve; "
        "from runtime_core.run_logs import configured_targets; "
        "catalog = load_catalog(); "
        "flags = {'mlflow_tracking_uri': 'host', 'mlflow_run_extra_args': {'run_name': 'x'}}; "
        "config = resolve(catalog, flags=flags, environment={}); "
        "targets = [t.target for t in configured_targets(catalog, config)]; "
        "assert targets[-1] == 'mlflow+https://host'; "
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ended.stdout.split())
    assert "tesseract_runtime_mlflow.plugin" in loaded
    assert not loaded & {"mlflow", "requests", "numpy"}


def test_plugin_without_its_settings_is_not_asked(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """Where the plugin is disabled, its option and its scheme are explained."""
    arguments = ("--no-plugin", "mlflow", "--api-path", str(tesseract(SOURCE)))
    ended = cli(*arguments, "--log-to", "mlflow+http://host", "apply", '{"inputs": {}}')
    assert ended.returncode == 2
    assert "may come from tesseract-runtime-mlflow 0.1.0, which is disabled" in ended.stderr
