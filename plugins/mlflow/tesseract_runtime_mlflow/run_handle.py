"""The handle of a run in MLflow."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric as MlflowMetric
from mlflow.entities import Param, RunTag
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Artifact, Metric, Parameter, Record, Run, RunHandle, RunStatus
from runtime_core.errors import shortened
from tesseract_runtime_mlflow import limits
from tesseract_runtime_mlflow.client import connected, one_sentence_errors
from tesseract_runtime_mlflow.parent_runs import adopt, parent_of
from tesseract_runtime_mlflow.system_metrics import start_monitor
from tesseract_runtime_mlflow.tags import INCOMPLETE, MLFLOW_PARENT, parent_id_of, tags_of
from tesseract_runtime_mlflow.targets import tracking_uri_of

_log = logging.getLogger(__name__)

_DEFAULT_EXPERIMENT = "0"


def open_run(run: Run, target: str, config: RuntimeConfig) -> RunHandle:
    """Create an MLflow run, or resume the one that `--mlflow-run-extra-args` names."""
    tracking_uri = tracking_uri_of(target)
    arguments = config.section("mlflow").run_extra_args
    with one_sentence_errors(tracking_uri):
        client = connected(tracking_uri)
        make = _resumed if arguments.get("run_id") else _created
        mlflow_run = make(client, run, arguments)
    stop_monitor = start_monitor(mlflow_run.info.run_id, tracking_uri, arguments)
    return MlflowRunHandle(
        run=run,
        client=client,
        tracking_uri=tracking_uri,
        mlflow_run=mlflow_run,
        stop_monitor=stop_monitor,
    )


class MlflowRunHandle:
    """Writes a run to MLflow, with a warning for each change that MLflow demands."""

    def __init__(
        self,
        *,
        run: Run,
        client: MlflowClient,
        tracking_uri: str,
        mlflow_run: MlflowRun,
        stop_monitor: Callable[[], None],
    ) -> None:
        self._run = run
        self._client = client
        self._tracking_uri = tracking_uri
        self._experiment_id = mlflow_run.info.experiment_id
        self._id = mlflow_run.info.run_id
        self._values: dict[str, str] = dict(mlflow_run.data.params)
        self._parameter_keys = limits.Keys("Parameter", run.id)
        self._metric_keys = limits.Keys("Metric", run.id)
        self._complete = True
        self._stop_monitor = stop_monitor

    def write(self, records: Sequence[Record]) -> None:
        """Send records, in as few requests as MLflow allows."""
        values = dict(self._values)
        try:
            with one_sentence_errors(self._tracking_uri):
                self._send(records)
        except ConnectionError:
            self._values = values  # the same records come again
            raise
        except Exception:
            self._complete = False
            raise

    def close(self, status: RunStatus) -> None:
        """End the run; a run with lost records gets the tag `tesseract.incomplete`."""
        self._stop_monitor()
        with one_sentence_errors(self._tracking_uri):
            if not self._complete:
                self._client.set_tag(self._id, INCOMPLETE, "true")
            adopt(self._client, self._experiment_id, self._run.id, self._id)
            self._client.set_terminated(self._id, status=status.value)

    def _send(self, records: Sequence[Record]) -> None:
        metrics = [self._metric(record) for record in records if isinstance(record, Metric)]
        params = [self._param(record) for record in records if isinstance(record, Parameter)]
        for batch in zip_longest(
            limits.batches(metrics, limits.MOST_METRICS, _metric_size),
            limits.batches(filter(None, params), limits.MOST_PARAMETERS, _param_size),
        ):
            self._client.log_batch(self._id, metrics=batch[0] or [], params=batch[1] or [])
        for record in records:
            if isinstance(record, Artifact):
                self._send_artifact(record)

    def _metric(self, record: Metric) -> MlflowMetric:
        milliseconds = max(0, int(record.timestamp * 1000))
        key = self._metric_keys.name(record.key)
        return MlflowMetric(key, record.value, milliseconds, record.step)

    def _param(self, record: Parameter) -> Param | None:
        """Return the parameter to send, or `None` for a known key: parameters never change."""
        key = self._parameter_keys.name(record.key)
        value = limits.text(record.value)
        if len(value) > limits.LONGEST_PARAMETER:
            _log.warning(
                "Parameter %r of run %s has %d characters, of which MLflow takes %d.",
                shortened(record.key),
                self._run.id,
                len(value),
                limits.LONGEST_PARAMETER,
            )
            value = limits.cut(value, limits.LONGEST_PARAMETER)
        known = self._values.get(key)
        if known is None:
            self._values[key] = value
            return Param(key, value)
        if known != value:
            _log.warning(
                "Parameter %r of run %s stays %r in MLflow, where parameters do not change; %r is "
                "not there.",
                shortened(record.key),
                self._run.id,
                shortened(known),
                shortened(value),
            )
        return None

    def _send_artifact(self, artifact: Artifact) -> None:
        """Send a file or folder under the name of its artifact."""
        path = artifact.path
        if not path.exists():
            raise FileNotFoundError(f"artifact {artifact.name!r} is gone from {str(path)!r}")
        if path.is_dir():
            self._client.log_artifacts(self._id, str(path), artifact.name)
            return
        folder, _, name = artifact.name.rpartition("/")
        # The client takes the name from the disk, so that a link renames the file.
        with tempfile.TemporaryDirectory() as scratch:
            renamed = Path(scratch, name)
            renamed.symlink_to(path.absolute())
            self._client.log_artifact(self._id, str(renamed), folder or None)


def _metric_size(metric: MlflowMetric) -> int:
    return limits.size(metric.key)


def _param_size(param: Param) -> int:
    return limits.size(param.key, param.value)


def _created(client: MlflowClient, run: Run, arguments: Mapping[str, Any]) -> MlflowRun:
    experiment_id = _experiment_id(client, arguments)
    return client.create_run(
        experiment_id,
        run_name=arguments.get("run_name") or f"{run.name} {run.endpoint}",
        tags=_tags(client, experiment_id, run, arguments),
    )


def _resumed(client: MlflowClient, run: Run, arguments: Mapping[str, Any]) -> MlflowRun:
    mlflow_run = client.get_run(arguments["run_id"])
    tags = _tags(client, mlflow_run.info.experiment_id, run, arguments)
    mlflow_id = mlflow_run.info.run_id
    client.log_batch(mlflow_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.update_run(mlflow_id, status="RUNNING", name=arguments.get("run_name"))
    return mlflow_run


def _tags(
    client: MlflowClient, experiment_id: str, run: Run, arguments: Mapping[str, Any]
) -> dict[str, str]:
    """Return the tags of a run, with its MLflow parent if that is known."""
    tags = tags_of(run, arguments)
    parent_id = parent_id_of(run, arguments)
    parent = parent_of(client, experiment_id, parent_id) if parent_id else None
    return tags | {MLFLOW_PARENT: parent} if parent else tags


def _experiment_id(client: MlflowClient, arguments: Mapping[str, Any]) -> str:
    """Return the experiment of new runs, in the order of precedence of `mlflow.start_run`."""
    if experiment_id := arguments.get("experiment_id"):
        return str(experiment_id)
    if name := arguments.get("experiment_name") or os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        return _named_experiment(client, name)
    return os.environ.get("MLFLOW_EXPERIMENT_ID") or _DEFAULT_EXPERIMENT


def _named_experiment(client: MlflowClient, name: str) -> str:
    """Find or create an experiment, and return its id."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return _named_experiment(client, name)  # another process has created it meanwhile
