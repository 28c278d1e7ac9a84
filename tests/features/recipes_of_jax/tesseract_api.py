"""A Tesseract in JAX: static texts, None, nested dicts, results that are changed afterwards."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.jax_recipes import (
    jax_abstract_eval,
    jax_apply,
    jax_jacobian,
    jax_jvp,
    jax_vjp,
)

jax.config.update("jax_enable_x64", True)


class Wave(BaseModel):
    amplitude: Differentiable[Float64]
    phases: dict[str, Differentiable[Array[(None,), Float64]]]


class InputSchema(BaseModel):
    waves: list[Wave]
    offset: Differentiable[Float64] | None = None
    method: str = "sine"


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    total: Differentiable[Float64]


@eqx.filter_jit
def apply_jit(inputs: dict) -> dict:
    function = {"sine": jnp.sin, "cosine": jnp.cos}[inputs["method"]]
    y = sum(
        wave["amplitude"] * function(phase)
        for wave in inputs["waves"]
        for phase in wave["phases"].values()
    )
    if inputs["offset"] is not None:
        y = y + inputs["offset"]
    return {"y": y, "total": jnp.sum(y)}


def apply(inputs: InputSchema) -> OutputSchema:
    outputs = jax_apply(apply_jit, inputs)
    return {**outputs, "y": outputs["y"].at[0].multiply(1.0)}


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]):
    return jax_jacobian(apply_jit, inputs, jac_inputs, jac_outputs)


def jacobian_vector_product(
    inputs: InputSchema, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector: dict[str, Any]
):
    return jax_jvp(apply_jit, inputs, jvp_inputs, jvp_outputs, tangent_vector)


def vector_jacobian_product(
    inputs: InputSchema,
    vjp_inputs: set[str],
    vjp_outputs: set[str],
    cotangent_vector: dict[str, Any],
):
    return jax_vjp(apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector)


def abstract_eval(abstract_inputs: InputSchema):
    return jax_abstract_eval(apply_jit, abstract_inputs)
