"""The contents of MLflow after a run was logged."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from runtime_core.contracts import Artifact, Metric, Parameter, RunStatus
from runtime_core.errors import RunNotLogged
from tests.mlflow.conftest import OpenRun
from tests.mlflow.tracker import Tracker
from tests.patience import wait_until


def metric(key: str, value: float, step: int = 0, timestamp: float = 1e9) -> Metric:
    """Return a metric."""
    return Metric(key=key, value=value, step=step, timestamp=timestamp)


def test_run_says_whose_it_is(opened: OpenRun, tracker: Tracker) -> None:
    """Tags have the Tesseract's name and version, the endpoint and the run id."""
    run, _ = opened(endpoint="jacobian", name="heat", version="1.2")
    found = tracker.run(run.id)
    assert found.info.run_name == "heat jacobian"
    assert {key: value for key, value in found.data.tags.items() if key != "mlflow.user"} == {
        "mlflow.runName": "heat jacobian",
        "mlflow.source.name": "heat",
        "tesseract.name": "heat",
        "tesseract.version": "1.2",
        "tesseract.endpoint": "jacobian",
        "tesseract.run_id": run.id,
    }


@pytest.mark.parametrize("status", RunStatus)
def test_run_ends_as_the_call_has(opened: OpenRun, tracker: Tracker, status: RunStatus) -> None:
    """A run is running until it is closed, and then has the status of the call."""
    run, handle = opened()
    assert tracker.run(run.id).info.status == "RUNNING"
    handle.close(status)
    info = tracker.run(run.id).info
    assert info.status == status
    assert info.end_time >= info.start_time


def test_metrics_of_the_machine(
    opened: OpenRun, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `log_system_metrics` the load of the machine is recorded until the run ends."""
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    run, handle = opened({"log_system_metrics": True})
    wait_until(lambda: "system/cpu_utilization_percentage" in tracker.run(run.id).data.metrics)
    handle.close(RunStatus.FINISHED)
    assert tracker.run(run.id).info.status == "FINISHED"
    assert "SystemMetricsMonitor" not in [thread.name for thread in threading.enumerate()]


def test_parameters_are_texts(opened: OpenRun, tracker: Tracker) -> None:
    """Values are what `mlflow.log_param` would make of them."""
    run, handle = opened()
    values = {"rate": 0.5, "name": "ä", "flag": True, "none": None, "sizes": [1, 2]}
    handle.write([Parameter(key=key, value=value) for key, value in values.items()])
    assert tracker.run(run.id).data.params == {
        "rate": "0.5",
        "name": "ä",
        "flag": "True",
        "none": "None",
        "sizes": "[1, 2]",
    }


def test_metrics_keep_step_and_time(opened: OpenRun, tracker: Tracker) -> None:
    """A metric has its step and the time at which it was measured, in milliseconds."""
    run, handle = opened()
    handle.write([metric("loss", 2.0, 7, 1e9), metric("loss", 1.0, 9, 1e9 + 0.25)])
    history = tracker.client.get_metric_history(tracker.run(run.id).info.run_id, "loss")
    assert [(m.step, m.value, m.timestamp) for m in history] == [
        (7, 2.0, 10**12),
        (9, 1.0, 10**12 + 250),
    ]


def test_numbers_that_are_none_are_kept(opened: OpenRun, tracker: Tracker) -> None:
    """NaN stays, and MLflow has the largest number for infinity."""
    run, handle = opened()
    values = (math.nan, math.inf, -math.inf)
    handle.write([metric("loss", value, step) for step, value in enumerate(values)])
    found = [value for _, value in tracker.history(tracker.run(run.id), "loss")]
    assert math.isnan(found[0])
    assert found[1] > 1e308
    assert found[2] < -1e308


def test_artifacts_have_their_names(opened: OpenRun, tracker: Tracker, tmp_path: Path) -> None:
    """Files and folders are kept under the names of the artifacts, not those on disk."""
    (tmp_path / "plot.txt").write_text("plot")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "x.bin").write_bytes(bytes(range(256)))
    run, handle = opened()
    handle.write(
        [
            Artifact(path=tmp_path / "plot.txt", name="plot.txt"),
            Artifact(path=tmp_path / "plot.txt", name="plot-2.txt"),
            Artifact(path=tmp_path / "plot.txt", name="plots/third"),
            Artifact(path=tmp_path / "folder", name="results"),
        ]
    )
    assert tracker.artifacts(tracker.run(run.id), tmp_path / "back") == {
        "plot.txt": b"plot",
        "plot-2.txt": b"plot",
        "plots/third": b"plot",
        "results/deep/x.bin": bytes(range(256)),
    }


def test_artifacts_that_are_gone_are_told(opened: OpenRun, tmp_path: Path) -> None:
    """The error names the artifact and its path."""
    _, handle = opened()
    with pytest.raises(FileNotFoundError) as caught:
        handle.write([Artifact(path=tmp_path / "gone.txt", name="gone.txt")])
    assert str(caught.value) == (f"artifact 'gone.txt' is gone from '{tmp_path}/gone.txt'")


def test_incomplete_runs_say_so(opened: OpenRun, tracker: Tracker, tmp_path: Path) -> None:
    """A run with lost records has a tag."""
    run, handle = opened()
    with pytest.raises(FileNotFoundError):
        handle.write([Artifact(path=tmp_path / "gone.txt", name="gone.txt")])
    handle.close(RunStatus.FINISHED)
    assert tracker.run(run.id).data.tags["tesseract.incomplete"] == "true"


def test_arguments_describe_the_run(opened: OpenRun, tracker: Tracker) -> None:
    """Name, description and tags are the user's; what the runtime says of the run stays."""
    tags = {"team": "solids", "try": 3, "tesseract.endpoint": "mine", "mlflow.user": "ada"}
    run, _ = opened({"run_name": "fit", "description": "A fit.", "tags": tags, "nested": True})
    found = tracker.run(run.id)
    assert found.info.run_name == "fit"
    assert found.data.tags["mlflow.note.content"] == "A fit."
    assert found.data.tags["team"] == "solids"
    assert found.data.tags["try"] == "3"
    assert found.data.tags["mlflow.user"] == "ada"
    assert found.data.tags["tesseract.endpoint"] == "apply"


def test_experiments_are_made_by_name(opened: OpenRun, tracker: Tracker) -> None:
    """An experiment that does not exist is made, and the next run finds it."""
    first, _ = opened({"experiment_name": "heat"})
    second, _ = opened({"experiment_name": "heat"})
    experiment = tracker.client.get_experiment_by_name("heat")
    assert experiment is not None
    assert len(tracker.runs(first.id, experiment.experiment_id)) == 1
    assert len(tracker.runs(second.id, experiment.experiment_id)) == 1


def test_experiments_are_found_by_id(opened: OpenRun, tracker: Tracker) -> None:
    """The id of an experiment may be a text or a number."""
    experiment_id = tracker.client.create_experiment("by id")
    run, _ = opened({"experiment_id": int(experiment_id)})
    assert len(tracker.runs(run.id, experiment_id)) == 1


@pytest.mark.parametrize("variable", ["MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"])
def test_variables_of_mlflow_name_the_experiment(
    opened: OpenRun, tracker: Tracker, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The variables of MLflow count without the option."""
    experiment_id = tracker.client.create_experiment(variable)
    monkeypatch.setenv(variable, experiment_id if variable.endswith("ID") else variable)
    run, _ = opened()
    assert len(tracker.runs(run.id, experiment_id)) == 1


def test_runs_can_be_resumed(opened: OpenRun, tracker: Tracker) -> None:
    """With `run_id` everything is logged to that MLflow run, whose parameters stay."""
    mlflow_id = tracker.client.create_run("0", tags={"old": "tag"}).info.run_id
    tracker.client.log_param(mlflow_id, "rate", "1")
    tracker.client.set_terminated(mlflow_id)
    run, handle = opened({"run_id": mlflow_id})
    assert tracker.client.get_run(mlflow_id).info.status == "RUNNING"
    handle.write([Parameter(key="rate", value=1), Parameter(key="size", value=2)])
    handle.close(RunStatus.FAILED)
    found = tracker.run(run.id)
    assert found.info.run_id == mlflow_id
    assert found.info.status == "FAILED"
    assert found.data.params == {"rate": "1", "size": "2"}
    assert found.data.tags["old"] == "tag"


def test_refusals_are_told(opened: OpenRun, tracker: Tracker) -> None:
    """A refusal of the server is reported with its address and reason."""
    with pytest.raises(RunNotLogged) as caught:
        opened({"experiment_id": "987654"})
    assert str(caught.value) == (
        f"{tracker.uri} refuses: RESOURCE_DOES_NOT_EXIST: No Experiment with id=987654 exists"
    )


def test_nothing_is_printed(opened: OpenRun, capfd: pytest.CaptureFixture[str]) -> None:
    """MLflow's own lines about runs do not go to stdout."""
    _, handle = opened()
    handle.close(RunStatus.FINISHED)
    assert capfd.readouterr().out == ""
