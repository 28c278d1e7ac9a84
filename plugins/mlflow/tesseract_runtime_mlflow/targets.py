"""Targets of the sink: addresses of MLflow servers."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from runtime_core.config import RuntimeConfig
from runtime_core.errors import InvalidOption, shortened
from tesseract_runtime_mlflow.run_arguments import parse_arguments

_PREFIX = "mlflow+"
_USERNAME, _PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


def target_from(config: RuntimeConfig) -> str | None:
    """Return the target of `--mlflow-tracking-uri`, if it is given."""
    tracking_uri = config.section("mlflow").tracking_uri
    return f"{_PREFIX}{tracking_uri}" if tracking_uri else None


def with_scheme(tracking_uri: str) -> str:
    """Return an address in the form that the client of MLflow accepts.

    >>> with_scheme("tracker.example.org"), with_scheme("http://localhost:5000/")
    ('https://tracker.example.org', 'http://localhost:5000')
    """
    address = tracking_uri.strip().removeprefix(_PREFIX).rstrip("/")
    return address if "://" in address or not address else f"https://{address}"


def tracking_uri_of(target: str) -> str:
    """Return the address in a target.

    >>> tracking_uri_of("mlflow+http://localhost:5000")
    'http://localhost:5000'
    """
    return target.removeprefix(_PREFIX)


def _check_arguments(given: Any) -> None:
    try:
        parse_arguments(given)
    except ValueError as error:
        raise InvalidOption(f"--mlflow-run-extra-args={given!r}: {error}") from None


def check(target: str, config: RuntimeConfig) -> None:
    """Raise `InvalidOption` for a wrong address or argument, and for half of the credentials."""
    _check_arguments(config.section("mlflow").run_extra_args)
    _, mark, rest = target.rpartition("@")
    if mark:
        raise InvalidOption(
            f"The address of the MLflow server at {shortened(rest)!r} must not have credentials in "
            f"it, which would stand in every log. Set {_USERNAME} and {_PASSWORD} instead."
        )
    try:
        parts = urlsplit(tracking_uri_of(target))
        _ = parts.port  # parsed only now; it may be invalid
    except ValueError as error:
        raise InvalidOption(f"{shortened(target)!r} is not a valid URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(
            f"{shortened(target)!r} is not a valid address of an MLflow server. It must be like "
            "mlflow+http://host:5000 or mlflow+https://host."
        )
    given = [name for name in (_USERNAME, _PASSWORD) if os.environ.get(name)]
    if len(given) == 1:
        [missing] = {_USERNAME, _PASSWORD} - set(given)
        raise InvalidOption(f"{given[0]} is set and {missing} is not: MLflow needs both or none.")
