"""Sending files and folders to an MLflow run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlflow import MlflowClient

from runtime_core.contracts import Artifact


def send(client: MlflowClient, mlflow_id: str, artifact: Artifact) -> None:
    """Send a file or folder under the name of its artifact.

    Raises `FileNotFoundError` if it is gone.
    """
    if not artifact.path.exists():
        raise FileNotFoundError(
            f"artifact {artifact.name!r} is gone: there is no file or folder {str(artifact.path)!r}"
        )
    if artifact.path.is_dir():
        client.log_artifacts(mlflow_id, str(artifact.path), artifact.name)
    else:
        _send_file(client, mlflow_id, artifact)


def _send_file(client: MlflowClient, mlflow_id: str, artifact: Artifact) -> None:
    """Send a file; the client gives it the name that it has on disk."""
    if artifact.path.name == artifact.name:
        client.log_artifact(mlflow_id, str(artifact.path))
        return
    folder, _, name = artifact.name.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        renamed = Path(scratch, name)
        renamed.symlink_to(artifact.path.absolute())
        client.log_artifact(mlflow_id, str(renamed), folder or None)
