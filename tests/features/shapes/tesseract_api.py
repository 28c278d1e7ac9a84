"""Shapes that are open in part or altogether, and numbers as arrays."""

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int64, UInt8


class Fields(BaseModel):
    anything: Differentiable[Array[..., Float64]]
    rows: Array[(None, 3), Float64] = np.zeros((0, 3))
    number: Float64 = np.float64(1)
    single: Float32 = np.float32(0.1)
    whole: Int64 = np.int64(3)
    byte: UInt8 = np.uint8(255)


class InputSchema(Fields):
    pass


class OutputSchema(Fields):
    kinds: list[str]


def apply(inputs: InputSchema) -> OutputSchema:
    kinds = [type(value).__name__ for value in dict(inputs).values()]
    return OutputSchema(**dict(inputs), kinds=kinds)


def jacobian(inputs, jac_inputs, jac_outputs):
    shape = inputs.anything.shape
    return {"anything": {"anything": np.eye(inputs.anything.size).reshape(shape + shape)}}
