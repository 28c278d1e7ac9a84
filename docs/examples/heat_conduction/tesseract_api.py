"""Temperatures of a heated plate with cooled edges as a function of its conductivity, in JAX."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.jax_recipes import jax_apply

jax.config.update("jax_enable_x64", True)  # Float64 needs it

gradient_backend = "jax"


class InputSchema(BaseModel):
    """A plate of square cells, and its heating in each experiment."""

    conductivity: Differentiable[Array[(None, None), Float64]] = Field(
        description="Thermal conductivity of each cell in W/(m K), above 0; shape (rows, columns)."
    )
    heating: Differentiable[Array[(None, None, None), Float64]] = Field(
        description="Heat released in each cell in W/m^3; shape (experiments, rows, columns)."
    )
    cell: Float64 = Field(description="Edge of a cell in m.")


class OutputSchema(BaseModel):
    """The plate in its steady states."""

    temperature: Differentiable[Array[(None, None, None), Float64]] = Field(
        description="Temperature of each cell above that of the edges in K; "
        "shape (experiments, rows, columns)."
    )


@jax.jit
def apply_jit(inputs: dict[str, Any]) -> dict[str, Any]:
    """Solve -div(conductivity grad(temperature)) = heating for each experiment."""
    conductivity = inputs["conductivity"]

    def solve(heating: jax.Array) -> jax.Array:
        heat = heating * inputs["cell"] ** 2  # in W per m of thickness
        temperature, _ = cg(partial(outflow, conductivity), heat, tol=1e-10)
        return temperature

    return {"temperature": jax.vmap(solve)(inputs["heating"])}


def outflow(conductivity: jax.Array, temperature: jax.Array) -> jax.Array:
    """Return the heat that leaves each cell, in W per m of thickness."""
    rows = outflow_between_rows(conductivity, temperature)
    return rows + outflow_between_rows(conductivity.T, temperature.T).T


def outflow_between_rows(conductivity: jax.Array, temperature: jax.Array) -> jax.Array:
    """Return the heat that leaves each cell across its first axis.

    Between the centres of two cells lie two halves in series; between centre and edge lies one.
    """
    above, below = conductivity[:-1], conductivity[1:]
    inside = 2 * above * below / (above + below)
    conductance = jnp.concatenate([2 * conductivity[:1], inside, 2 * conductivity[-1:]])
    flow = -conductance * jnp.diff(temperature, axis=0, prepend=0.0, append=0.0)
    return jnp.diff(flow, axis=0)


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute the steady temperatures of a plate in several experiments."""
    return OutputSchema(**jax_apply(apply_jit, inputs))
