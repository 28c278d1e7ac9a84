"""Default arrays and default models."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64


class Layer(BaseModel):
    """A model with a default for each field."""

    weights: Differentiable[Array[(3,), Float64]] = np.ones(3)
    offset: Array[(3,), Float64] = Field(default_factory=lambda: np.zeros(3))


class Fields(BaseModel):
    """Fields that may all be left out."""

    array: Differentiable[Array[(3,), Float64]] = np.array([0.5, 1.0, 1.5])
    scalar: Float64 = 2.5
    layer: Layer = Layer()
    made: Layer = Field(default_factory=Layer)
    layers: list[Layer] = [Layer()]
    keyed: dict[str, Differentiable[Array[(3,), Float64]]] = {"ones": np.ones(3)}


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
