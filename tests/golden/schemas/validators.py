"""Models with validators of every kind."""

from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, field_validator, model_validator

from tesseract_core.runtime import Array, Differentiable, Float64


class Layer(BaseModel):
    """A model that accepts a bare array for itself."""

    weights: Differentiable[Array[(3,), Float64]]

    @model_validator(mode="before")
    @classmethod
    def from_array(cls, value: Any) -> Any:
        """Read a bare list as the weights."""
        return {"weights": value} if isinstance(value, list) else value


class Fields(BaseModel):
    """A model whose validators see arrays as well as shapes."""

    layer: Layer
    array: Differentiable[Array[(3,), Float64]]
    count: Annotated[int, BeforeValidator(int)] = 1

    @field_validator("array")
    @classmethod
    def keep(cls, value: Any) -> Any:
        """Keep the array as it is."""
        return value

    @model_validator(mode="after")
    def check(self) -> Self:
        """Check something that has nothing to do with arrays."""
        if self.count < 0:
            raise ValueError("count must not be negative")
        return self


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
