"""Finite differences as the whole of every gradient endpoint."""

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)


class Spring(BaseModel):
    stiffness: Differentiable[Float64]
    name: str = "spring"


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    springs: list[Spring]
    algorithm: str = "central"


class OutputSchema(BaseModel):
    force: Differentiable[Array[(None,), Float64]]
    energy: dict[str, Differentiable[Float64]]


def apply(inputs: InputSchema) -> OutputSchema:
    stiffness = sum(spring.stiffness for spring in inputs.springs)
    energy = {"elastic": 0.5 * stiffness * np.sum(inputs.x**2)}
    return OutputSchema(force=-stiffness * inputs.x, energy=energy)


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]):
    return finite_difference_jacobian(
        apply, inputs, jac_inputs, jac_outputs, algorithm=inputs.algorithm, seed=0
    )


def jacobian_vector_product(
    inputs: InputSchema, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector: dict
):
    return finite_difference_jvp(
        apply, inputs, jvp_inputs, jvp_outputs, tangent_vector, algorithm=inputs.algorithm
    )


def vector_jacobian_product(
    inputs: InputSchema, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector: dict
):
    return finite_difference_vjp(
        apply, inputs, vjp_inputs, vjp_outputs, cotangent_vector, algorithm=inputs.algorithm, seed=0
    )
