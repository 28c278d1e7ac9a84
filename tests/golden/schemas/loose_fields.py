"""Fields of any JSON."""

from typing import Any

import numpy as np
from pydantic import BaseModel, JsonValue

from tesseract_core.runtime import Array, Differentiable, Float64


class Fields(BaseModel):
    """Fields without a type of their own."""

    array: Differentiable[Array[(3,), Float64]]
    json_value: JsonValue = None
    anything: Any = None
    settings: dict[str, Any] = {}
    list_of_json: list[JsonValue] = []


class InputSchema(Fields):
    """What is copied."""


class OutputSchema(Fields):
    """The copy."""


def apply(inputs: InputSchema) -> OutputSchema:
    """Copy everything."""
    return OutputSchema.model_validate(inputs.model_dump())


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]) -> dict[str, Any]:
    """Return the derivatives of the copy, which are ones and zeros."""
    return {o: {i: np.eye(3) * (i == o) for i in jac_inputs} for o in jac_outputs}


def jacobian_vector_product(
    inputs: InputSchema,
    jvp_inputs: set[str],
    jvp_outputs: set[str],
    tangent_vector: dict[str, Any],
) -> dict[str, Any]:
    """Return the tangent of each output, which is that of its input."""
    return {o: tangent_vector.get(o, np.zeros(3)) for o in jvp_outputs}


def vector_jacobian_product(
    inputs: InputSchema,
    vjp_inputs: set[str],
    vjp_outputs: set[str],
    cotangent_vector: dict[str, Any],
) -> dict[str, Any]:
    """Return the cotangent of each input, which is that of its output."""
    return {i: cotangent_vector.get(i, np.zeros(3)) for i in vjp_inputs}


def abstract_eval(abstract_inputs: InputSchema) -> dict[str, Any]:
    """Return the shapes and data types that came."""
    return abstract_inputs.model_dump()
