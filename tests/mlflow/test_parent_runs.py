"""Runs within runs."""

from __future__ import annotations

import pytest

from runtime_core.contracts import RunStatus
from runtime_core.run_logs.run import new_run_id
from tests.mlflow.conftest import OpenRun
from tests.mlflow.tracker import Tracker

PARENT = "mlflow.parentRunId"


def test_parent_is_the_run_of_a_tesseract(opened: OpenRun, tracker: Tracker) -> None:
    """The run id of a Tesseract that has logged finds its MLflow run."""
    parent, _ = opened()
    child, _ = opened(parent_id=parent.id)
    tags = tracker.run(child.id).data.tags
    assert tags[PARENT] == tracker.run(parent.id).info.run_id
    assert tags["tesseract.parent_run_id"] == parent.id


def test_parent_is_a_run_of_mlflow(opened: OpenRun, tracker: Tracker) -> None:
    """The id of an MLflow run, which may be a script's, is accepted."""
    parent = tracker.client.create_run("0").info.run_id
    child, _ = opened(parent_id=parent)
    assert tracker.run(child.id).data.tags[PARENT] == parent


def test_parent_may_be_in_another_experiment(opened: OpenRun, tracker: Tracker) -> None:
    """Tesseracts with experiments of their own are found all the same."""
    parent, _ = opened({"experiment_name": "parents"})
    child, _ = opened(parent_id=parent.id)
    experiment = tracker.client.get_experiment_by_name("parents")
    assert experiment is not None
    expected = tracker.run(parent.id, experiment.experiment_id).info.run_id
    assert tracker.run(child.id).data.tags[PARENT] == expected


def test_parent_of_all_runs_is_an_argument(opened: OpenRun, tracker: Tracker) -> None:
    """The option names a parent for calls that name none."""
    always, own = (tracker.client.create_run("0").info.run_id for _ in range(2))
    first, _ = opened({"parent_run_id": always})
    second, _ = opened({"parent_run_id": always}, parent_id=own)
    assert tracker.run(first.id).data.tags[PARENT] == always
    assert tracker.run(second.id).data.tags[PARENT] == own


def test_parent_may_log_after_its_children(opened: OpenRun, tracker: Tracker) -> None:
    """A run that was not there when its children were adopts them when it ends."""
    parent_id = new_run_id()
    child, _ = opened(parent_id=parent_id)
    assert PARENT not in tracker.run(child.id).data.tags
    parent, handle = opened(id=parent_id)
    handle.close(RunStatus.FINISHED)
    assert tracker.run(child.id).data.tags[PARENT] == tracker.run(parent.id).info.run_id


@pytest.mark.parametrize("parent_id", ["unknown", "0" * 32, "it's", "x' or 'x' = 'x", "a b"])
def test_unknown_parents_are_noted(opened: OpenRun, tracker: Tracker, parent_id: str) -> None:
    """An unknown parent only prevents the nesting."""
    opened()
    child, handle = opened(parent_id=parent_id)
    handle.close(RunStatus.FINISHED)
    tags = tracker.run(child.id).data.tags
    assert PARENT not in tags
    assert tags["tesseract.parent_run_id"] == parent_id
