"""Gradient functions that return everything that they know, whatever was asked."""

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Differentiable, Float64


class InputSchema(BaseModel):
    a: Differentiable[Float64]
    b: Differentiable[Float64]


class OutputSchema(BaseModel):
    product: Differentiable[Float64]
    total: Differentiable[Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(product=inputs.a * inputs.b, total=inputs.a + inputs.b)


def jacobian(inputs, jac_inputs, jac_outputs):
    one = np.float64(1)
    return {"product": {"a": inputs.b, "b": inputs.a}, "total": {"a": one, "b": one}}
