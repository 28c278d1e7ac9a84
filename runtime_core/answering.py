"""What an endpoint is asked and answers: held against its models, on the way in and out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from runtime_core.contracts import BoundEndpoint
from runtime_core.errors import InvalidResult, fault_lines
from runtime_core.faults import invalid_payload, summary


def validated(endpoint: BoundEndpoint, payload: Any, options: Any) -> Any:
    """Return the payload model of a value; `InvalidPayload` holds every fault of it."""
    if endpoint.payload is None:
        return None
    try:
        return endpoint.payload.model_validate(payload, context=options)
    except ValidationError as error:
        raise invalid_payload(error) from None


def answered(endpoint: BoundEndpoint, payload: Any) -> BaseModel:
    """Compute an answer and hold it against the endpoint's promise.

    Raises `InvalidResult` for an answer that the endpoint's result model refuses.
    """
    answer = endpoint.answer(payload)
    try:
        result = endpoint.result.model_validate(answer)
    except ValidationError as error:
        raise InvalidResult(_misfit(endpoint, answer, error)) from None
    if endpoint.check is not None:
        endpoint.check(payload, result)
    return result


def outputs_at(endpoint: BoundEndpoint, inputs: BaseModel) -> Any:
    """Return the outputs of `apply` or `abstract_eval` for inputs that are validated already."""
    assert endpoint.payload is not None  # both ask for inputs
    result: Any = answered(endpoint, endpoint.payload.model_construct(inputs=inputs))
    return result.root


def _misfit(endpoint: BoundEndpoint, answer: object, error: ValidationError) -> str:
    faults = fault_lines(invalid_payload(error).details, root="result")
    return (
        f"The Tesseract returned {summary(answer)}, which is no valid "
        f"{endpoint.result.__name__}:\n{faults}"
    )
