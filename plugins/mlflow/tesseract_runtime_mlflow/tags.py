"""The tags of MLflow runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runtime_core.contracts import Run
from tesseract_runtime_mlflow.limits import LONGEST_TAG, allowed_key, cut, text

RUN_ID = "tesseract.run_id"
PARENT_RUN_ID = "tesseract.parent_run_id"
INCOMPLETE = "tesseract.incomplete"
MLFLOW_PARENT = "mlflow.parentRunId"
_MLFLOW_NOTE = "mlflow.note.content"
_MLFLOW_SOURCE = "mlflow.source.name"


def tags_of(run: Run, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a run: the user's, overridden by ours."""
    given: dict[str, Any] = {
        _MLFLOW_SOURCE: run.name,
        **(arguments.get("tags") or {}),
        _MLFLOW_NOTE: arguments.get("description"),
        "tesseract.name": run.name,
        "tesseract.version": run.version,
        "tesseract.endpoint": run.endpoint,
        RUN_ID: run.id,
        PARENT_RUN_ID: parent_id_of(run, arguments),
        "tesseract.caller": run.caller,
        "tesseract.digest": run.digest or None,
        "tesseract.versions": json.dumps(dict(run.versions)) if run.versions else None,
        **{f"tesseract.metadata.{name}": value for name, value in run.metadata.items()},
    }
    return {
        allowed_key(key): cut(text(value), LONGEST_TAG)
        for key, value in given.items()
        if value is not None
    }


def parent_id_of(run: Run, arguments: Mapping[str, Any]) -> str | None:
    """Return the id of a run's parent: that of the call, else the configured one."""
    return run.parent_id or arguments.get("parent_run_id")
