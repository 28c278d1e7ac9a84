"""Parents and children among MLflow runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from runtime_core.run_logs import RUN_ID_PATTERN
from tesseract_runtime_mlflow.tags import MLFLOW_PARENT, PARENT_RUN_ID, RUN_ID

_MOST_EXPERIMENTS = 1_000
_MOST_CHILDREN = 10_000


def parent_of(client: MlflowClient, experiment_id: str, parent_id: str) -> str | None:
    """Return the MLflow id of a parent, given by either id; `None` if it is not in MLflow."""
    if re.fullmatch(r"[0-9a-f]{32}", parent_id) and _exists(client, parent_id):
        return parent_id
    for experiments in _nearest_first(client, experiment_id):
        for run in _tagged(client, experiments, RUN_ID, parent_id, most=1):
            return str(run.info.run_id)
    return None


def adopt(client: MlflowClient, experiment_id: str, run_id: str, mlflow_id: str) -> None:
    """Set the parent of runs that name this run as their parent and were logged before it."""
    for child in _tagged(client, [experiment_id], PARENT_RUN_ID, run_id, most=_MOST_CHILDREN):
        if MLFLOW_PARENT not in child.data.tags and child.info.run_id != mlflow_id:
            client.set_tag(child.info.run_id, MLFLOW_PARENT, mlflow_id)


def _exists(client: MlflowClient, mlflow_id: str) -> bool:
    try:
        client.get_run(mlflow_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    return True


def _nearest_first(client: MlflowClient, experiment_id: str) -> Iterator[Sequence[str]]:
    yield [experiment_id]
    every = client.search_experiments(max_results=_MOST_EXPERIMENTS)
    others = [found.experiment_id for found in every if found.experiment_id != experiment_id]
    if others:
        yield others


def _tagged(
    client: MlflowClient, experiments: Sequence[str], tag: str, value: str, most: int
) -> Iterator[MlflowRun]:
    """Yield the runs with a tag; other values than run ids could inject into the query."""
    if re.fullmatch(RUN_ID_PATTERN, value):
        query = f"tags.`{tag}` = '{value}'"
        yield from client.search_runs(list(experiments), query, max_results=most)
