"""Bending stiffness and mass of aluminium box sections as functions of their dimensions, in JAX."""

from typing import Any

import jax
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.jax_recipes import jax_apply

jax.config.update("jax_enable_x64", True)  # Float64 needs it

gradient_backend = "jax"

MODULUS = 70e9
"""Young's modulus of aluminium in N/m^2."""

DENSITY = 2700.0
"""Density of aluminium in kg/m^3."""


class InputSchema(BaseModel):
    """Rectangular tubes of one wall thickness each."""

    dimensions: Differentiable[Array[(None, 3), Float64]] = Field(
        description="Width, height and thickness of the wall in m; shape (sections, 3)."
    )


class OutputSchema(BaseModel):
    """The properties of sections that a beam needs."""

    stiffness: Differentiable[Array[(None,), Float64]] = Field(
        description="Young's modulus times second moment of area in N m^2; shape (sections,)."
    )
    mass: Differentiable[Array[(None,), Float64]] = Field(
        description="Mass of each metre in kg/m; shape (sections,)."
    )


@jax.jit
def apply_jit(inputs: dict[str, Any]) -> dict[str, Any]:
    """Subtract the hollow from the whole."""
    width, height, wall = inputs["dimensions"].T
    hollow_width, hollow_height = width - 2 * wall, height - 2 * wall
    moment = (width * height**3 - hollow_width * hollow_height**3) / 12
    area = width * height - hollow_width * hollow_height
    return {"stiffness": MODULUS * moment, "mass": DENSITY * area}


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute stiffness and mass of each section."""
    return OutputSchema(**jax_apply(apply_jit, inputs))
