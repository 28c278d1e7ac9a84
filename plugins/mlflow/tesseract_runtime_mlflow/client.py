"""The client of an MLflow server, with short time-outs, and its errors as one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import requests
from mlflow import MlflowClient, environment_variables
from mlflow.exceptions import MlflowException

from runtime_core.errors import RunNotLogged

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": 10,  # seconds, for a connection and for each answer
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": 1,  # at once, for connections that have been closed
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": False,  # it may ask for minutes
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": True,  # that is where results go
    }
)
"""Defaults for what the environment leaves open.

MLflow itself waits for two minutes and tries seven times more, with growing pauses.
"""


def connected(tracking_uri: str) -> MlflowClient:
    """Return a client; nothing is sent yet.

    The client has no parameters for its patience. Its defaults are changed, in this process only:
    variables would be inherited by the processes of user code.
    """
    for name, value in DEFAULTS.items():
        getattr(environment_variables, name).default = value
    return MlflowClient(tracking_uri)


@contextmanager
def one_sentence_errors(tracking_uri: str) -> Iterator[None]:
    """Raise errors of the server inside the `with` as one sentence each.

    `ConnectionError` says that the server is out of reach, `RunNotLogged` that it refuses.
    """
    try:
        yield
    except (MlflowException, requests.RequestException) as error:
        unreached = _unreached(error)
        if unreached is not None:
            raise ConnectionError(f"{tracking_uri} does not answer: {unreached}") from error
        raise RunNotLogged(f"{tracking_uri} refuses: {_refusal(error)}") from error


def is_missing(error: MlflowException) -> bool:
    """Return whether the server answered that the resource does not exist."""
    return bool(error.error_code == "RESOURCE_DOES_NOT_EXIST")


def _unreached(error: Exception) -> str | None:
    """Return the reason why a request had no answer; `None` if it had one."""
    cause = error if isinstance(error, requests.RequestException) else error.__context__
    if not isinstance(cause, requests.RequestException) or cause.response is not None:
        return None
    reason = getattr(cause.args[0] if cause.args else cause, "reason", cause)
    text = str(reason)
    return text.partition("): ")[2] or text


def _refusal(error: Exception) -> str:
    status = _status(error)
    if status in (401, 403):
        return (
            f"status {status}. Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN"
        )
    return str(error).strip().partition("\n")[0].rstrip(".")


def _status(error: Exception) -> int | None:
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]  # it is MLflow's
    response = getattr(error, "response", None)
    return None if response is None else response.status_code
