"""One open MLflow run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import zip_longest

from mlflow import MlflowClient
from mlflow.entities import Metric as MlflowMetric
from mlflow.entities import Param
from mlflow.entities import Run as MlflowRun

from runtime_core.contracts import Artifact, Metric, Parameter, Record, Run, RunStatus
from runtime_core.errors import shortened
from tesseract_runtime_mlflow import limits
from tesseract_runtime_mlflow.artifacts import send
from tesseract_runtime_mlflow.client import told
from tesseract_runtime_mlflow.parent_runs import adopt
from tesseract_runtime_mlflow.tags import INCOMPLETE

_log = logging.getLogger(__name__)


class MlflowHandle:
    """Writes the records of a run to MLflow, changed to what MLflow takes where they must be.

    Each change is told in a warning. Raises `ConnectionError` when the server does not answer, and
    `RunNotLogged` when it refuses.
    """

    def __init__(
        self, *, run: Run, client: MlflowClient, tracking_uri: str, mlflow_run: MlflowRun
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

    def write(self, records: Sequence[Record]) -> None:
        """Send records, in as few requests as MLflow allows."""
        try:
            with told(self._tracking_uri):
                self._send(records)
        except Exception:
            self._complete = False
            raise

    def close(self, status: RunStatus) -> None:
        """End the run; one of which something was lost has a tag that says so."""
        with told(self._tracking_uri):
            if not self._complete:
                self._client.set_tag(self._id, INCOMPLETE, "true")
            adopt(self._client, self._experiment_id, self._run.id, self._id)
            self._client.set_terminated(self._id, status=status.value)

    def _send(self, records: Sequence[Record]) -> None:
        metrics = [self._metric(record) for record in records if isinstance(record, Metric)]
        params = [self._param(record) for record in records if isinstance(record, Parameter)]
        for batch in zip_longest(
            limits.batches(filter(None, metrics), limits.MOST_METRICS, _metric_size),
            limits.batches(filter(None, params), limits.MOST_PARAMETERS, _param_size),
        ):
            self._client.log_batch(self._id, metrics=batch[0] or [], params=batch[1] or [])
        for record in records:
            if isinstance(record, Artifact):
                send(self._client, self._id, record)

    def _metric(self, record: Metric) -> MlflowMetric | None:
        if record.step not in limits.STEPS:
            _log.warning(
                "Metric %r of run %s at step %s is not in MLflow, whose steps have 64 bits.",
                shortened(record.key),
                self._run.id,
                shortened(str(record.step)),
            )
            return None
        milliseconds = max(0, int(record.timestamp * 1000))
        key = self._metric_keys.name(record.key)
        return MlflowMetric(key, record.value, milliseconds, record.step)

    def _param(self, record: Parameter) -> Param | None:
        """Return what is sent for a parameter; nothing if MLflow has it, as it never changes."""
        key = self._parameter_keys.name(record.key)
        value = self._cut(record.key, limits.text(record.value))
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

    def _cut(self, key: str, value: str) -> str:
        if len(value) > limits.LONGEST_PARAMETER:
            _log.warning(
                "Parameter %r of run %s has %d characters, of which MLflow takes %d.",
                shortened(key),
                self._run.id,
                len(value),
                limits.LONGEST_PARAMETER,
            )
        return limits.cut(value, limits.LONGEST_PARAMETER)


def _metric_size(metric: MlflowMetric) -> int:
    return limits.size(metric.key)


def _param_size(param: Param) -> int:
    return limits.size(param.key, param.value)
