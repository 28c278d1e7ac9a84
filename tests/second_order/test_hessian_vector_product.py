"""Hessian-vector products of every backend: closed forms, symmetry, batches and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy.optimize import rosen_hess

from runtime_core import Runtime
from runtime_core.contracts import Unavailable
from runtime_core.errors import InvalidPayload
from tesseract_runtime_client import Tesseract

Make = Callable[..., Runtime]
Array = np.ndarray[Any, Any]

HVP = "hessian_vector_product"

SOURCE = """
import jax
import jax.numpy as jnp
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64
from tesseract_runtime_jax import jax_apply, jax_vjp

jax.config.update("jax_enable_x64", True)

class InputSchema(BaseModel):
    kind: str
    x: Differentiable[Array[(4,), Float64]]
    s: Differentiable[Float64]
    matrix: Array[(4, 4), Float64]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

FUNCTIONS = {
    "cubes": lambda x, s, a: x**3,
    "product": lambda x, s, a: jnp.array([s * (x @ x)]),
    "exponential": lambda x, s, a: jnp.exp(s * x),
    "quadratic": lambda x, s, a: jnp.array([x @ a @ x]),
    "rosenbrock": lambda x, s, a: jnp.array(
        [jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)]
    ),
}

def apply_jit(inputs):
    return {"y": FUNCTIONS[inputs["kind"]](inputs["x"], inputs["s"], inputs["matrix"])}

def apply(inputs):
    return jax_apply(apply_jit, inputs)

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return jax_vjp(apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector)
"""

NATIVE = (
    SOURCE
    + """
from tesseract_runtime_jax import jax_hvp

def hessian_vector_product(
    inputs, hvp_inputs, hvp_outputs, cotangent_vector, tangent_vector, batch=None
):
    return jax_hvp(
        apply_jit, inputs, hvp_inputs, hvp_outputs, cotangent_vector, tangent_vector, batch
    )
"""
)

MATRIX = np.random.default_rng(2).normal(size=(4, 4))


def _bordered(xx: Array, xs: Any = 0.0, ss: float = 0.0) -> Array:
    """Return the Hessian by x and s from its parts."""
    column = np.broadcast_to(xs, 4)[:, np.newaxis]
    return np.block([[xx, column], [column.T, np.array([[ss]])]])


def _exponential(x: Array, s: float, c: Array) -> Array:
    weighted = c * np.exp(s * x)
    return _bordered(
        np.diag(s**2 * weighted), (1 + s * x) * weighted, float(np.sum(x**2 * weighted))
    )


CLOSED_FORMS: Mapping[str, Callable[[Array, float, Array], Array]] = {
    "cubes": lambda x, s, c: _bordered(np.diag(6 * c * x)),
    "product": lambda x, s, c: _bordered(2 * c[0] * s * np.eye(4), 2 * c[0] * x),
    "exponential": _exponential,
    "quadratic": lambda x, s, c: _bordered(c[0] * (MATRIX + MATRIX.T)),
    "rosenbrock": lambda x, s, c: _bordered(c[0] * rosen_hess(x)),
}
"""The Hessian by x and s of the outputs weighted by c, for each function of the source."""

BACKENDS = {
    "native": (NATIVE, 1e-12),
    "jax": (SOURCE, 1e-12),
    "derived": (SOURCE, 1e-6),
}


def asked(kind: str, seed: int, batch: int | None = None) -> dict[str, Any]:
    """Return a payload with random values."""
    random = np.random.default_rng(seed)
    axis = () if batch is None else (batch,)
    outputs = 4 if kind in ("cubes", "exponential") else 1
    payload = {
        "inputs": {
            "kind": kind,
            "x": random.uniform(0.5, 1.5, 4),
            "s": random.uniform(0.5, 1.5),
            "matrix": MATRIX,
        },
        "hvp_inputs": ["x", "s"],
        "hvp_outputs": ["y"],
        "cotangent_vector": {"y": random.normal(size=(*axis, outputs))},
        "tangent_vector": {
            "x": random.normal(size=(*axis, 4)),
            "s": np.asarray(random.normal(size=axis)),
        },
    }
    return payload if batch is None else {**payload, "batch": batch}


def flat(vector: Mapping[str, Any]) -> Array:
    """Return the elements by x and s in one vector."""
    return np.append(vector["x"], vector["s"])


def product(runtime: Runtime, payload: Any) -> Any:
    """Return the result of the endpoint."""
    result: Any = runtime.call(HVP, payload)
    return result.root


@pytest.mark.parametrize("backend", BACKENDS)
def test_products_are_those_of_closed_forms(backend: str, runtime: Make) -> None:
    """Five functions have the products of their Hessians, with terms between two inputs."""
    source, tolerance = BACKENDS[backend]
    made = runtime(source, gradient_backend=f"{HVP}={backend}")
    for kind, hessian in CLOSED_FORMS.items():
        for seed in range(3):
            payload = asked(kind, seed)
            inputs = payload["inputs"]
            expected = hessian(inputs["x"], inputs["s"], payload["cotangent_vector"]["y"])
            expected = expected @ flat(payload["tangent_vector"])
            found = flat(product(made, payload))
            largest = np.max(abs(expected))
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("backend", ["jax", "derived"])
def test_products_are_symmetric(backend: str, runtime: Make) -> None:
    """The product of one random vector with that of another does not depend on their order."""
    source, tolerance = BACKENDS[backend]
    made = runtime(source, gradient_backend=f"{HVP}={backend}")
    for seed in range(100):
        payload = asked("exponential", seed)
        one = payload["tangent_vector"]
        other = asked("exponential", seed + 100)["tangent_vector"]
        first = flat(product(made, payload)) @ flat(other)
        second = flat(product(made, payload | {"tangent_vector": other})) @ flat(one)
        assert first == pytest.approx(second, rel=tolerance, abs=10 * tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_batch_has_the_products_of_its_vectors(backend: str, runtime: Make) -> None:
    """Both vectors have the axis of the batch."""
    source, tolerance = BACKENDS[backend]
    made = runtime(source, gradient_backend=f"{HVP}={backend}")
    payload = asked("product", 1, batch=3)
    found = product(made, payload)
    assert (found["x"].shape, found["s"].shape) == ((3, 4), (3,))
    for position in range(3):
        alone = payload | {"batch": None}
        for name in ("cotangent_vector", "tangent_vector"):
            alone[name] = {path: array[position] for path, array in payload[name].items()}
        for path, array in product(made, alone).items():
            np.testing.assert_allclose(found[path][position], array, rtol=tolerance)


def test_exact_products_are_chosen_before_differences(runtime: Make) -> None:
    """`auto` takes `derived` for a Hessian after every exact backend."""
    made = runtime(SOURCE, gradient_backend="auto")
    made.bound(HVP)
    assert made.gradients.used[HVP].backend == "jax"
    made = runtime(SOURCE, gradient_backend="derived")
    made.bound(HVP)
    assert made.gradients.used[HVP].backend == "derived"


def test_both_vectors_are_checked(runtime: Make) -> None:
    """The keys and shapes of either are those of its side, and every fault is reported."""
    made = runtime(SOURCE, gradient_backend="jax")
    payload = asked("product", 1)
    with pytest.raises(InvalidPayload) as refused:
        made.call(
            HVP, payload | {"cotangent_vector": {"x": 1.0}, "tangent_vector": {"x": [1.0] * 3}}
        )
    assert [fault["loc"] for fault in refused.value.details] == [
        ["cotangent_vector"],
        ["tangent_vector", "x"],
    ]
    with pytest.raises(InvalidPayload, match="Cotangent of 'y'"):
        made.call(HVP, payload | {"cotangent_vector": {"y": [1.0] * 3}})


def test_a_file_without_gradients_has_none(runtime: Make) -> None:
    """The reason names the functions that would be needed."""
    source, _, _ = SOURCE.replace("def apply_jit", "def other").partition("\ndef vector_")
    found = runtime(source, gradient_backend="derived").endpoint(HVP)
    assert isinstance(found, Unavailable)
    assert "it needs a vector_jacobian_product or jacobian in tesseract_api.py" in found.reason


def test_a_client_calls_it(runtime: Make) -> None:
    """The client passes both vectors, and the batch."""
    made = runtime(SOURCE, gradient_backend="jax")
    payload = asked("product", 1, batch=3)
    expected = product(made, payload)
    source = made.api.path
    with Tesseract.from_api(source, options={"gradient_backend": "jax"}) as tesseract:
        found = tesseract.hessian_vector_product(**payload)
    for path, array in expected.items():
        np.testing.assert_array_equal(found[path], array)
