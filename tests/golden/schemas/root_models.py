"""Models that are a dict, a list, an array or another model."""

from typing import Any

import numpy as np
from pydantic import BaseModel, RootModel

from tesseract_core.runtime import Array, Differentiable, Float64


class Layer(BaseModel):
    """One layer of a stack."""

    weights: Differentiable[Array[(3,), Float64]]
    offset: Array[(3,), Float64]
    name: str = "layer"


# mypy reads no shapes in base classes.
class Named(RootModel[dict[str, Differentiable[Array[(3,), Float64]]]]):  # type: ignore[misc]
    """Arrays by name."""


class Stack(RootModel[list[Layer]]):
    """Layers from bottom to top."""


class Position(RootModel[Differentiable[Array[(3,), Float64]]]):  # type: ignore[misc]
    """An array and nothing else."""


class Top(RootModel[Layer]):
    """A layer and nothing else."""


class Fields(BaseModel):
    """Root models as fields."""

    named: Named
    stack: Stack
    position: Position
    top: Top
    positions: list[Position] = []


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
