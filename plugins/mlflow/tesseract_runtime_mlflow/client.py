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
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": 1,  # at once, for closed connections
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": False,  # it may ask for minutes
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": True,  # stdout is for results
    }
)
"""Our defaults; those of MLflow wait for two minutes and retry seven times."""


def connected(tracking_uri: str) -> MlflowClient:
    """Return a client; nothing is sent yet."""
    # The client has no parameters for time-outs, and user code would inherit variables.
    for name, value in DEFAULTS.items():
        getattr(environment_variables, name).default = value
    return MlflowClient(tracking_uri)


@contextmanager
def one_sentence_errors(tracking_uri: str) -> Iterator[None]:
    """Raise errors as one sentence: `ConnectionError` if unreachable, else `RunNotLogged`."""
    try:
        yield
    except (MlflowException, requests.RequestException) as error:
        unreached = _unreached(error)
        if unreached is not None:
            raise ConnectionError(f"{tracking_uri} does not answer: {unreached}") from error
        raise RunNotLogged(f"{tracking_uri} refuses: {_refusal(error)}") from error


def _unreached(error: Exception) -> str | None:
    """Return the reason for a missing answer; `None` if the server answered."""
    cause = error if isinstance(error, requests.RequestException) else error.__context__
    if not isinstance(cause, requests.RequestException) or cause.response is not None:
        return None
    text = str(getattr(cause.args[0] if cause.args else cause, "reason", cause))
    return text.partition("): ")[2] or text


def _refusal(error: Exception) -> str:
    if isinstance(error, MlflowException):
        status = error.get_http_status_code()  # type: ignore[no-untyped-call]  # it is MLflow's
    else:
        status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return (
            f"status {status}. Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN"
        )
    return str(error).strip().partition("\n")[0].rstrip(".")
