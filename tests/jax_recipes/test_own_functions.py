"""A file that serves every endpoint by a function of JAX, and processes the results further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from tesseract_runtime_jax import set_jax_vjp_cache_size
from tests.jax_recipes.conftest import compute_in

Make = Callable[..., Runtime]

pytestmark = pytest.mark.filterwarnings("ignore:.*JAX computes in 32 bits")  # it is meant here

SOURCE = """
import equinox as eqx
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float32, Float64
from tesseract_runtime_jax import jax_abstract_eval, jax_apply, jax_jacobian, jax_jvp, jax_vjp
from tesseract_runtime_finite_differences import jacobian_from_vjp

class Layer(BaseModel):
    w: Differentiable[Array[(None,), Float64]]
    bias: Differentiable[Float32] | None = None

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    mode: str = "square"
    rounds: int = 2
    shift: Differentiable[Array[(None,), Float64]] | None = None
    layers: list[Layer] = []
    named: dict[str, Differentiable[Array[(None,), Float64]]] = {}
    nested: dict[str, Layer] = {}
    by_rows: bool = False

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    t: Differentiable[Float64]
    mode: str
    parts: list[Differentiable[Array[(None,), Float64]]]
    named: dict[str, Differentiable[Array[(None,), Float64]]]

@eqx.filter_jit
def apply_jit(inputs):
    y = inputs["x"] ** 2 if inputs["mode"] == "square" else inputs["x"]
    for _ in range(inputs["rounds"]):
        y = 2 * y
    if inputs["shift"] is not None:
        y = y + inputs["shift"]
    t = y.sum()
    for layer in inputs["layers"]:
        t = t + (layer["w"] ** 2).sum() + (0 if layer["bias"] is None else layer["bias"])
    for array in inputs["named"].values():
        t = t + (array ** 3).sum()
    for layer in inputs["nested"].values():
        t = t + (layer["w"] ** 3).sum()
    parts = [layer["w"] for layer in inputs["layers"]]
    return {"y": y, "t": t, "mode": inputs["mode"], "parts": parts, "named": inputs["named"]}

def apply(inputs):
    outputs = jax_apply(apply_jit, inputs)
    return OutputSchema(**{**outputs, "y": outputs["y"].at[0].set(-1.0)})

def jacobian(inputs, jac_inputs, jac_outputs):
    if inputs.by_rows:
        return jacobian_from_vjp(own_vjp, abstract_eval, inputs, jac_inputs, jac_outputs)
    blocks = jax_jacobian(apply_jit, inputs, jac_inputs, jac_outputs)
    assert isinstance(jac_inputs, set) and set(blocks) == jac_outputs
    return {**blocks, "t": {path: block.at[...].mul(1) for path, block in blocks["t"].items()}}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    assert set(tangent_vector) == jvp_inputs
    tangents = jax_jvp(apply_jit, inputs, jvp_inputs, jvp_outputs, tangent_vector)
    return {path: array.at[...].add(1) for path, array in tangents.items()}

def own_vjp(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return jax_vjp(apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector)

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    gradients = own_vjp(inputs, vjp_inputs, vjp_outputs, cotangent_vector)
    return {path: array.at[...].add(1) for path, array in gradients.items()}

def abstract_eval(abstract_inputs):
    return jax_abstract_eval(apply_jit, abstract_inputs)
"""

INPUTS = {
    "x": [1.0, 2.0],
    "layers": [{"w": [1.0, 2.0]}, {"w": [3.0], "bias": 4.0}],
    "named": {"a b": [1.0, 2.0], "c": [3.0]},
    "nested": {"k": {"w": [1.0]}},
}
BY = {"x": 2, "named.{a b}": 2, "layers.[1].bias": 0, "nested.{k}.w": 1}
SLOPES = {
    "x": [8.0, 16.0],
    "named.{a b}": [3.0, 12.0],
    "layers.[1].bias": 1.0,
    "nested.{k}.w": [3.0],
}
"""The derivatives of t."""


@pytest.fixture(params=[(32, 0), (32, 2), (64, 0), (64, 2)], ids=str)
def bits(request: pytest.FixtureRequest) -> int:
    """The bits that JAX computes in, with and without the VJP cache; the schemas declare 64."""
    bits, cached = request.param
    compute_in(bits)
    set_jax_vjp_cache_size(cached)
    return int(bits)


@pytest.fixture
def served(bits: int, runtime: Make) -> Runtime:
    """Load the file."""
    return runtime(SOURCE)


def found(served: Runtime, endpoint: str, inputs: Any = INPUTS, **payload: Any) -> Any:
    """Call an endpoint in Python."""
    result: Any = served.call(endpoint, {"inputs": inputs, **payload})
    return result.root


def test_outputs_can_be_changed_as_arrays_of_jax(served: Runtime) -> None:
    """Static strings, `None` and nested containers reach the function and come back."""
    outputs = found(served, "apply")
    assert outputs.y.tolist() == [-1.0, 16.0]
    assert (outputs.t, outputs.y.dtype, outputs.mode) == (75.0, np.float64, "square")
    assert [part.tolist() for part in outputs.parts] == [[1.0, 2.0], [3.0]]
    other = found(served, "apply", {**INPUTS, "mode": "same", "shift": [1.0, 1.0]})
    assert (other.mode, other.y.tolist()) == ("same", [-1.0, 9.0])


@pytest.mark.parametrize("by_rows", [False, True])
def test_blocks_of_nested_paths(served: Runtime, bits: int, by_rows: bool) -> None:
    """Paths into dicts and lists are differentiated, and the precision of JAX is kept."""
    inputs = {**INPUTS, "by_rows": by_rows}
    blocks = found(served, "jacobian", inputs, jac_inputs=list(BY), jac_outputs=["t", "y"])
    assert {path: block.tolist() for path, block in blocks["t"].items()} == SLOPES
    assert blocks["y"]["x"].tolist() == [[8.0, 0.0], [0.0, 16.0]]
    assert {block["x"].dtype for block in blocks.values()} == {np.dtype(f"float{bits}")}


def test_products_have_the_data_types_of_their_fields(served: Runtime) -> None:
    """Tangents have those of the outputs, cotangents those of the inputs, whatever JAX uses."""
    ones = {path: np.ones(size) if size else 1.0 for path, size in BY.items()}
    along = found(
        served,
        "jacobian_vector_product",
        jvp_inputs=list(BY),
        jvp_outputs=["t", "named.{a b}"],
        tangent_vector=ones,
    )
    assert {path: array.tolist() for path, array in along.items()} == {
        "t": 44.0,
        "named.{a b}": [2.0, 2.0],
    }
    back = found(
        served,
        "vector_jacobian_product",
        vjp_inputs=list(BY),
        vjp_outputs=["t", "parts.[1]"],
        cotangent_vector={"t": 1.0, "parts.[1]": [1.0]},
    )
    expected = {path: (np.array(slope) + 1).tolist() for path, slope in SLOPES.items()}
    assert {path: array.tolist() for path, array in back.items()} == expected
    dtypes = {path: array.dtype for path, array in (along | back).items()}
    assert {path for path, dtype in dtypes.items() if dtype == np.float32} == {"layers.[1].bias"}
