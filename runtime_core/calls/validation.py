"""Validating the payload and the result of an endpoint against its models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from runtime_core.calls.bounded_validator import validator_of
from runtime_core.calls.faults import (
    invalid_default,
    invalid_payload,
    memory_exceeded,
    summary,
)
from runtime_core.calls.payload_hints import with_hints
from runtime_core.contracts import BoundEndpoint
from runtime_core.errors import InvalidResult, fault_lines


def validate_payload(endpoint: BoundEndpoint, payload: Any, options: Any) -> Any:
    """Return the payload model of a value; `InvalidPayload` has its first hundred faults.

    Raises `MemoryExceeded` for an array that is too large in this scope, and `InvalidDefault` if
    only defaults of the schema are at fault.
    """
    if endpoint.payload is None:
        return None
    try:
        return validator_of(endpoint.payload).validate(payload, options)
    except ValidationError as error:
        refused = invalid_payload(error, endpoint.payload)
        faults = with_hints(refused, endpoint.payload, payload)
        raise memory_exceeded(faults) or invalid_default(error) or faults from None


def validate_result(endpoint: BoundEndpoint, answer: Any) -> BaseModel:
    """Return the result model of an answer.

    Raises `InvalidResult` for an answer that the model refuses, or `InvalidDefault`.
    """
    try:
        result: BaseModel = validator_of(endpoint.result).validate(answer)
    except ValidationError as error:
        raise invalid_default(error) or _invalid_result(endpoint, answer, error) from None
    return result


def _invalid_result(endpoint: BoundEndpoint, answer: Any, error: ValidationError) -> InvalidResult:
    from runtime_core.schemas.generated import author_of  # numpy, which `health` can do without

    schema = author_of(getattr(endpoint.result.model_fields.get("root"), "annotation", None))
    noun = (schema or endpoint.result).__name__
    refused = with_hints(invalid_payload(error, endpoint.result), endpoint.result, answer)
    first = refused.details[0]
    if schema is not None and (first["type"], first["loc"]) == ("model_type", []):
        keys = ", ".join(schema.model_fields)
        problem = f". Return {noun}(...), or a dict with the keys {keys}."
    else:
        problem = f":\n{fault_lines(refused.details, root='result')}"
    own = author_of(type(answer))
    returned = f"{own.__name__} object" if own else summary(answer)
    return InvalidResult(f"The Tesseract returned {returned}, which is not a valid {noun}{problem}")
