"""Gradients of JAX cost one forward solve, where `apply` keeps what it has solved."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from tests.interop.conftest import serving

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # of JAX

KEEPING = """
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64, keep, kept

class InputSchema(BaseModel):
    x: Differentiable[Array[(4,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(4,), Float64]]

def solve(x):
    with Path(__file__).with_name("solved").open("a") as file:
        file.write(".")
    return {"y": x**2, "slope": 2 * x}

def apply(inputs):
    state = solve(inputs.x)
    keep(state)
    return {"y": state["y"]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    state = kept(inputs) or solve(inputs.x)
    return {"x": cotangent_vector["y"] * state["slope"]}
"""
"""A Tesseract without `abstract_eval`, which counts its forward solves."""


def test_gradient_costs_one_forward_solve(tmp_path: Path) -> None:
    """A server of two workers takes the one that has just applied, for one caller at a time."""
    (tmp_path / "tesseract_api.py").write_text(KEEPING, encoding="utf-8")
    apply_tesseract = import_module("tesseract_jax").apply_tesseract
    with serving(tmp_path, workers=2) as address:
        tesseract = import_module("tesseract_core").Tesseract.from_url(address)

        def loss(x: jax.Array) -> jax.Array:
            found: jax.Array = jnp.sum(apply_tesseract(tesseract, {"x": x})["y"])
            return found

        for gradient in (jax.grad(loss), jax.jit(jax.value_and_grad(loss))):
            for scale in (1.0, 2.0, 3.0):
                found = gradient(scale * jnp.arange(4.0))
                np.testing.assert_allclose(jax.tree.leaves(found)[-1], scale * 2 * np.arange(4.0))
    assert (tmp_path / "solved").read_text() == "." * 6
