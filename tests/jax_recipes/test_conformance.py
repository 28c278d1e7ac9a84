"""The backend jax does what all gradient backends must do."""

from __future__ import annotations

from runtime_core.testing import GradientBackendConformance

SQUARE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    layers: list[Differentiable[Array[(None,), Float64]]]
    scale: Differentiable[Float64] = 2.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply_jit(inputs):
    return {"y": inputs["scale"] * inputs["layers"][0] ** 2 * inputs["layers"][1]}

def apply(inputs):
    return OutputSchema(**apply_jit(inputs.model_dump()))
"""
"""A Tesseract with a body for JAX."""


class TestJax(GradientBackendConformance):
    """The backend jax."""

    backend = "jax"
    source = SQUARE
    inputs = '{"layers": [[1.0, -2.0], [3.0, 0.5]]}'
