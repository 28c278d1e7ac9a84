"""A differentiable union of arrays of different rank."""

from typing import Union

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64

Values = Union[
    Differentiable[Array[(None,), Float64]], Differentiable[Array[(None, None), Float64]]
]


class InputSchema(BaseModel):
    values: Values


class OutputSchema(BaseModel):
    total: Differentiable[Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(total=np.sum(inputs.values))


def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"values": np.full(inputs.values.shape, cotangent_vector["total"])}
