"""Defaults: made anew, of arrays as lists and numbers, and ones that do not fit their field."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field
from tesseract_core.runtime import Array, Differentiable, Float32, Float64


class Nested(BaseModel):
    weights: Array[(None,), Float64] = "the weights, one for each point"


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]] = Field(default_factory=lambda: np.arange(3.0))
    listed: Array[(None,), Float32] = [1, 2]
    number: Float64 = 1.5
    history: list[float] = []
    options: dict[str, Any] = {}
    described: Array[(None,), Float64] = "a text where a description was meant"
    absent: Array[(None,), Float64] = None
    wrong_shape: Array[(2, 2), Float64] = np.zeros(5)
    nested: Nested = None
    text: str = Field("a positional text where a description was meant")


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    shapes: dict[str, list[int]]
    text: str
    note: Array[(None,), Float64] = "never left out"


def apply(inputs: InputSchema) -> OutputSchema:
    inputs.history.append(1.0)  # one list for each call
    fields = {"x": inputs.x, "listed": inputs.listed, "number": inputs.number}
    return OutputSchema(
        y=inputs.x * inputs.number + len(inputs.history),
        shapes={name: list(np.shape(array)) for name, array in fields.items()},
        text=inputs.text,
        note=np.zeros(1),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": np.eye(inputs.x.size) * inputs.number}}
