"""Executing an endpoint: its payload and its result are validated against its models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from runtime_core.calls.faults import invalid_payload, summary
from runtime_core.contracts import BoundEndpoint
from runtime_core.errors import InvalidResult, fault_lines


def validate_payload(endpoint: BoundEndpoint, payload: Any, options: Any) -> Any:
    """Return the payload model of a value; `InvalidPayload` holds every fault of it."""
    if endpoint.payload is None:
        return None
    try:
        return endpoint.payload.model_validate(payload, context=options)
    except ValidationError as error:
        raise invalid_payload(error) from None


def execute(endpoint: BoundEndpoint, payload: Any) -> BaseModel:
    """Compute the result of a payload and validate it.

    Raises `InvalidResult` for an answer that the endpoint's result model refuses.
    """
    answer = endpoint.answer(payload)
    try:
        result = endpoint.result.model_validate(answer)
    except ValidationError as error:
        raise InvalidResult(_invalid_result_message(endpoint, answer, error)) from None
    if endpoint.check is not None:
        endpoint.check(payload, result)
    return result


def evaluate(endpoint: BoundEndpoint, inputs: BaseModel) -> Any:
    """Compute the outputs of `apply` or `abstract_eval` for inputs that are validated already."""
    assert endpoint.payload is not None  # both ask for inputs
    result: Any = execute(endpoint, endpoint.payload.model_construct(inputs=inputs))
    return result.root


def _invalid_result_message(endpoint: BoundEndpoint, answer: object, error: ValidationError) -> str:
    faults = fault_lines(invalid_payload(error).details, root="result")
    return (
        f"The Tesseract returned {summary(answer)}, which is no valid "
        f"{endpoint.result.__name__}:\n{faults}"
    )
