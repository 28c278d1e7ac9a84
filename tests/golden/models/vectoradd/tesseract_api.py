"""A weighted sum of two vectors, with every gradient written out by hand."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float32, ShapeDType


class InputSchema(BaseModel):
    """Two vectors and how to combine them."""

    a: Differentiable[Array[(None,), Float32]] = Field(
        description="The vector that is multiplied by s."
    )
    b: Differentiable[Array[(None,), Float32]] = Field(description="The vector that is added.")
    s: Differentiable[Float32] = Field(description="The factor of a.", default=1.0)
    label: str | None = Field(description="A name that is copied to the result.", default=None)
    fail: bool = Field(description="Raise an error instead of an answer.", default=False)


class OutputSchema(BaseModel):
    """The weighted sum and its length."""

    result: Differentiable[Array[(None,), Float32]] = Field(description="The vector s * a + b.")
    size: int = Field(description="The number of entries of the result.")
    label: str | None = Field(description="The name that was given.", default=None)


def apply(inputs: InputSchema) -> OutputSchema:
    """Add b to s times a."""
    if inputs.fail:
        raise RuntimeError("asked to fail")
    result = inputs.s * inputs.a + inputs.b
    return OutputSchema(result=result, size=result.size, label=inputs.label)


def _derivatives(inputs: InputSchema) -> dict[str, np.ndarray]:
    """Each input's matrix of derivatives of the result, of shape (*result, *input)."""
    unit = np.eye(inputs.a.size, dtype=np.float32)
    return {"a": inputs.s * unit, "b": unit, "s": inputs.a}


def jacobian(
    inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]
) -> dict[str, dict[str, np.ndarray]]:
    """The derivatives of the result, input by input."""
    derivatives = _derivatives(inputs)
    return {
        output: {name: derivatives[name] for name in sorted(jac_inputs)}
        for output in sorted(jac_outputs)
    }


def jacobian_vector_product(
    inputs: InputSchema,
    jvp_inputs: set[str],
    jvp_outputs: set[str],
    tangent_vector: dict[str, Any],
) -> dict[str, np.ndarray]:
    """The change of the result along the tangent."""
    derivatives = _derivatives(inputs)
    total = sum(
        np.tensordot(derivatives[name], tangent_vector[name], np.ndim(tangent_vector[name]))
        for name in sorted(jvp_inputs)
    )
    return {output: np.asarray(total, dtype=np.float32) for output in sorted(jvp_outputs)}


def vector_jacobian_product(
    inputs: InputSchema,
    vjp_inputs: set[str],
    vjp_outputs: set[str],
    cotangent_vector: dict[str, Any],
) -> dict[str, np.ndarray]:
    """The cotangent of the result carried back to the inputs."""
    derivatives = _derivatives(inputs)
    cotangent = sum(cotangent_vector[output] for output in sorted(vjp_outputs))
    return {
        name: np.asarray(np.tensordot(cotangent, derivatives[name], 1), dtype=np.float32)
        for name in sorted(vjp_inputs)
    }


def abstract_eval(abstract_inputs: InputSchema) -> dict[str, Any]:
    """The shape of the result, which is that of a."""
    shape = abstract_inputs.a.shape
    return {
        "result": ShapeDType(shape=shape, dtype="float32"),
        "size": shape[0],
        "label": abstract_inputs.label,
    }
