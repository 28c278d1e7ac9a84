"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import RunSink, Settings, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def run_sinks() -> Iterable[RunSink]:
    """Provide the sink."""
    yield RunSink(
        name="mlflow",
        summary="Runs of an MLflow server, such as mlflow+http://host:5000.",
        schemes=("mlflow+http", "mlflow+https"),
        open=lazy_call("tesseract_runtime_mlflow.run_handle:open_run"),
        target_from=lazy_call("tesseract_runtime_mlflow.targets:target_from"),
        check=lazy_call("tesseract_runtime_mlflow.targets:check"),
    )


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the options of the sink."""
    yield Settings(
        name="mlflow",
        summary="Where and how runs are logged to MLflow.",
        load=lazy_object("tesseract_runtime_mlflow.settings:MlflowSettings"),
    )
