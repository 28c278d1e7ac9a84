"""The arguments of `mlflow.start_run` that users can set."""

from __future__ import annotations

import ast
import json
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from runtime_core.errors import did_you_mean, listed

_Text = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class RunArguments(TypedDict, total=False):
    """The arguments of `mlflow.start_run`, and the name of an experiment."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]  # pydantic's own protocol
        extra="forbid", defer_build=True
    )

    run_id: str | None
    run_name: str | None
    experiment_id: _Text | None
    experiment_name: str | None
    parent_run_id: str | None
    nested: bool  # accepted and ignored: a run with a parent is nested
    tags: dict[str, Any] | None
    description: str | None
    log_system_metrics: bool | None


_ARGUMENTS = TypeAdapter(RunArguments)


def parsed_if_valid(value: Any) -> Any:
    """Parse arguments; those that are wrong are returned unchanged.

    They are refused where runs are logged to MLflow, and matter nowhere else.
    """
    try:
        return parse_arguments(value)
    except ValueError:
        return value


def parse_arguments(value: Any) -> RunArguments:
    """Parse and validate arguments; `ValueError` names each that is wrong.

    >>> parse_arguments('{"run_name": "fit"}'), parse_arguments("{'experiment_id': 7}")
    ({'run_name': 'fit'}, {'experiment_id': '7'})
    """
    given = _literal(value) if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise ValueError(
            'expected a dict, as JSON or as Python writes it, such as \'{"run_name": "fit"}\''
        )
    known = list(RunArguments.__annotations__)
    for name in map(str, given):
        if name not in known:
            raise ValueError(
                f"unknown argument {name!r}.{did_you_mean(name, known)} Known: {listed(known)}"
            )
    if given.get("experiment_id") is not None and given.get("experiment_name") is not None:
        raise ValueError("give experiment_id or experiment_name, not both")
    try:
        return _ARGUMENTS.validate_python(given)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        messages = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        raise ValueError("; ".join(messages)) from None


def _literal(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):  # what `ast` may raise
            continue
    return None
