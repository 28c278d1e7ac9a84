"""A damped oscillator, computed and differentiated by JAX.

Write your own schemas and your own `apply_jit`; the functions below it can stay unchanged.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.jax_recipes import (
    jax_abstract_eval,
    jax_apply,
    jax_jacobian,
    jax_jvp,
    jax_vjp,
)

jax.config.update("jax_enable_x64", True)  # Float64 needs it


class InputSchema(BaseModel):
    """When to look at which oscillator."""

    time: Differentiable[Array[(None,), Float64]] = Field(description="Times in s.")
    frequency: Differentiable[Float64] = Field(description="Angular frequency in rad/s.")
    damping: Differentiable[Float64] = Field(description="Damping rate in 1/s.")


class OutputSchema(BaseModel):
    """How the oscillator moves."""

    displacement: Differentiable[Array[(None,), Float64]] = Field(
        description="Displacement at each time, relative to the first one."
    )
    energy: Differentiable[Float64] = Field(description="Mean of the displacement squared.")


@jax.jit
def apply_jit(inputs: dict[str, Any]) -> dict[str, Any]:
    """Compute the outputs of the inputs, both as nested dicts of arrays."""
    decay = jnp.exp(-inputs["damping"] * inputs["time"])
    displacement = decay * jnp.cos(inputs["frequency"] * inputs["time"])
    return {"displacement": displacement, "energy": jnp.mean(displacement**2)}


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute the motion of a damped oscillator that is let go at rest."""
    return OutputSchema(**jax_apply(apply_jit, inputs))


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]) -> Any:
    """Compute the derivative of each output by each input."""
    return jax_jacobian(apply_jit, inputs, jac_inputs, jac_outputs)


def jacobian_vector_product(
    inputs: InputSchema,
    jvp_inputs: set[str],
    jvp_outputs: set[str],
    tangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> Any:
    """Compute how the outputs change along a change of the inputs."""
    return jax_jvp(apply_jit, inputs, jvp_inputs, jvp_outputs, tangent_vector, batch)


def vector_jacobian_product(
    inputs: InputSchema,
    vjp_inputs: set[str],
    vjp_outputs: set[str],
    cotangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> Any:
    """Compute how the inputs contribute to a weighted sum of the outputs."""
    return jax_vjp(apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector, batch)


def abstract_eval(abstract_inputs: Any) -> Any:
    """Compute the shapes and data types of the outputs."""
    return jax_abstract_eval(apply_jit, abstract_inputs)
