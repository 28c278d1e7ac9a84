"""A function of n float32 for products with many tangents, by JAX."""

from typing import Any

import jax.numpy as jnp
from pydantic import BaseModel

from tesseract_core.runtime import Array, Differentiable, Float32

gradient_backend = "jax"


class InputSchema(BaseModel):
    """One vector."""

    x: Differentiable[Array[(None,), Float32]]


class OutputSchema(BaseModel):
    """One vector of the same length."""

    y: Differentiable[Array[(None,), Float32]]


def apply_jit(inputs: dict[str, Any]) -> dict[str, Any]:
    """Compute the output of each number and of their sum."""
    x = inputs["x"]
    return {"y": jnp.sin(x) * jnp.exp(-x) + jnp.mean(x)}


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute without differentiating."""
    return OutputSchema(**apply_jit({"x": inputs.x}))
