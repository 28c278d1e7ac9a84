"""Gradient functions of the author: of another dtype, with checks of their own, with more keys."""

from typing import Any

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, ShapeDType
from tesseract_core.runtime.experimental import jacobian_from_vjp


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float32]]
    scale: Differentiable[Float64] = np.float64(2)
    parts: dict[str, list[Differentiable[Float64]]] = {}


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float32]]
    total: Differentiable[Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    y = inputs.scale * inputs.x
    parts = sum(value**2 for values in inputs.parts.values() for value in values)
    return OutputSchema(y=np.float32(y), total=y.sum() + parts)


def slopes(inputs: InputSchema) -> dict[str, dict[str, Any]]:
    """Return the derivatives of all outputs with respect to all inputs, in double precision."""
    size = inputs.x.size
    keys = [(key, index) for key, values in inputs.parts.items() for index in range(len(values))]
    parts = {f"parts.{{{key}}}.[{index}]": inputs.parts[key][index] for key, index in keys}
    return {
        "y": {
            "x": inputs.scale * np.eye(size),
            "scale": np.float64(inputs.x),
            **{path: np.zeros(size) for path in parts},
        },
        "total": {
            "x": np.full(size, inputs.scale),
            "scale": np.float64(inputs.x.sum()),
            **{path: 2 * value for path, value in parts.items()},
        },
    }


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]):
    assert isinstance(inputs, InputSchema)
    assert isinstance(jac_inputs, set) and isinstance(jac_outputs, set)
    if "scale" in jac_inputs and "total" in jac_outputs:
        return jacobian_from_vjp(
            vector_jacobian_product, abstract_eval, inputs, jac_inputs, jac_outputs
        )
    blocks = slopes(inputs)
    return {out: {path: blocks[out][path] for path in jac_inputs} for out in jac_outputs}


def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    assert isinstance(jvp_inputs, set) and isinstance(jvp_outputs, set)
    assert {*tangent_vector} == jvp_inputs
    blocks = slopes(inputs)
    return {
        out: sum(
            np.tensordot(blocks[out][path], tangent_vector[path], np.ndim(tangent_vector[path]))
            for path in jvp_inputs
        )
        for out in jvp_outputs
    }


def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    assert isinstance(vjp_inputs, set) and isinstance(vjp_outputs, set)
    assert {*cotangent_vector} == vjp_outputs
    blocks = slopes(inputs)
    return {
        path: sum(
            np.tensordot(cotangent_vector[out], blocks[out][path], np.ndim(cotangent_vector[out]))
            for out in vjp_outputs
        )
        for path in vjp_inputs
    }


def abstract_eval(abstract_inputs: InputSchema):
    x = abstract_inputs.x
    shape = x.shape if isinstance(x, ShapeDType) else np.shape(x)
    return {
        "y": ShapeDType(shape=shape, dtype="float32"),
        "total": ShapeDType(shape=(), dtype="float64"),
    }
