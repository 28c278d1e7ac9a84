"""Validators: ones that change arrays, compare fields, and meet shapes instead of arrays."""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, field_validator, model_validator
from tesseract_core.runtime import Array, Differentiable, Float64, ShapeDType


def positive(array):
    if isinstance(array, ShapeDType):
        return array
    if np.any(array <= 0):
        raise ValueError("every entry must be positive")
    return array


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    weights: Annotated[Array[(None,), Float64], AfterValidator(positive)]
    name: Annotated[str, BeforeValidator(lambda value: str(value).strip())] = "a"

    @field_validator("x")
    @classmethod
    def clip(cls, x):
        if not isinstance(x, ShapeDType):
            x[x > 10] = 10  # in place: the array is the validator's own
        return x

    @model_validator(mode="after")
    def same_size(self):
        if self.x.shape != self.weights.shape:
            raise ValueError(f"x has shape {self.x.shape}, weights {self.weights.shape}")
        return self


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    name: str


def apply(inputs: InputSchema) -> OutputSchema:
    inputs.x *= inputs.weights
    return OutputSchema(y=inputs.x, name=inputs.name)


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": np.diag(inputs.weights)}}


def abstract_eval(abstract_inputs: InputSchema):
    return {"y": abstract_inputs.x, "name": abstract_inputs.name}
