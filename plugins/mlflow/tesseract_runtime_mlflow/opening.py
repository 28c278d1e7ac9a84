"""Opening an MLflow run for a run of a Tesseract."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Run, RunHandle
from tesseract_runtime_mlflow.client import connected, told
from tesseract_runtime_mlflow.handle import MlflowHandle
from tesseract_runtime_mlflow.parent_runs import parent_of
from tesseract_runtime_mlflow.tags import MLFLOW_PARENT, parent_id_of, tags_of
from tesseract_runtime_mlflow.targets import tracking_uri_of

_DEFAULT_EXPERIMENT = "0"


def opened(run: Run, target: str, config: RuntimeConfig) -> RunHandle:
    """Make an MLflow run, or take the one that `--mlflow-run-extra-args` names."""
    tracking_uri = tracking_uri_of(target)
    arguments = config.section("mlflow").run_extra_args
    with told(tracking_uri):
        client = connected(tracking_uri)
        make = _resumed if arguments.get("run_id") else _created
        mlflow_run = make(client, run, arguments)
    return MlflowHandle(run=run, client=client, tracking_uri=tracking_uri, mlflow_run=mlflow_run)


def _created(client: MlflowClient, run: Run, arguments: Mapping[str, Any]) -> MlflowRun:
    experiment_id = _experiment_id(client, arguments)
    return client.create_run(
        experiment_id,
        run_name=arguments.get("run_name") or f"{run.name} {run.endpoint}",
        tags=_family_tags(client, experiment_id, run, arguments),
    )


def _resumed(client: MlflowClient, run: Run, arguments: Mapping[str, Any]) -> MlflowRun:
    mlflow_run = client.get_run(arguments["run_id"])
    tags = _family_tags(client, mlflow_run.info.experiment_id, run, arguments)
    named = [RunTag(key, value) for key, value in tags.items()]
    client.log_batch(mlflow_run.info.run_id, tags=named)
    client.update_run(mlflow_run.info.run_id, status="RUNNING", name=arguments.get("run_name"))
    return mlflow_run


def _family_tags(
    client: MlflowClient, experiment_id: str, run: Run, arguments: Mapping[str, Any]
) -> dict[str, str]:
    """Return the tags of a run, with its parent's if that is known."""
    tags = tags_of(run, arguments)
    parent_id = parent_id_of(run, arguments)
    parent = parent_of(client, experiment_id, parent_id) if parent_id else None
    return tags | {MLFLOW_PARENT: parent} if parent else tags


def _experiment_id(client: MlflowClient, arguments: Mapping[str, Any]) -> str:
    """Return where runs are made; the order is that of `mlflow.start_run`."""
    if experiment_id := arguments.get("experiment_id"):
        return str(experiment_id)
    name = arguments.get("experiment_name") or os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if name:
        return _named_experiment(client, name)
    return os.environ.get("MLFLOW_EXPERIMENT_ID") or _DEFAULT_EXPERIMENT


def _named_experiment(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment, which is made if there is none of that name."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return _named_experiment(client, name)  # somebody else was faster
