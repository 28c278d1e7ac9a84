"""What JAX makes of a served Tesseract is what it makes of the same formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # of JAX

TIME = jnp.linspace(0.1, 2.0, 5)
POINT = (TIME, jnp.asarray(2.0), jnp.asarray(3.0))
TANGENT = (jnp.cos(TIME), jnp.asarray(-1.0), jnp.asarray(0.5))

Function = Callable[..., Any]


def outputs_of_formulas(time: Any, amplitude: Any, rate: Any) -> dict[str, Any]:
    """Compute the outputs of the Tesseracts of these tests by JAX in this process."""
    signal = amplitude * jnp.sin(rate * time)
    return {"signal": signal, "energy": jnp.sum(signal**2).astype("float32")}


@pytest.fixture
def outputs(apply_tesseract: Function) -> Function:
    """Return the served Tesseract as a function of its differentiable inputs."""

    def apply(time: Any, amplitude: Any, rate: Any) -> dict[str, Any]:
        served: dict[str, Any] = apply_tesseract(
            {"time": time, "wave": {"amplitude": amplitude, "rate": rate}, "unit": "km"}
        )
        return served

    return apply


def loss(outputs: Function) -> Function:
    """Return a number that depends on all outputs, nonlinearly."""

    def function(*point: Any) -> Any:
        found = outputs(*point)
        return jnp.sum(jnp.exp(found["signal"])) + found["energy"] ** 2

    return function


def jvp(function: Function) -> Function:
    """Return the value of a function and its change along a tangent."""
    return lambda *point: jax.jvp(function, point, TANGENT)


def vjp(function: Function) -> Function:
    """Return the pullback of ones."""

    def pulled_back(*point: Any) -> Any:
        found, pullback = jax.vjp(function, *point)
        return pullback(jax.tree.map(jnp.ones_like, found))

    return pulled_back


ALL = (0, 1, 2)

TRANSFORMS: dict[str, Function] = {
    "apply": lambda outputs: outputs,
    "jit": jax.jit,
    "grad": lambda outputs: jax.grad(loss(outputs), ALL),
    "grad by one input": lambda outputs: jax.grad(loss(outputs), 2),
    "value_and_grad": lambda outputs: jax.value_and_grad(loss(outputs), ALL),
    "jit of grad": lambda outputs: jax.jit(jax.grad(loss(outputs), ALL)),
    "grad of jit": lambda outputs: jax.grad(loss(jax.jit(outputs)), ALL),
    "jvp": jvp,
    "jit of jvp": lambda outputs: jax.jit(jvp(outputs)),
    "vjp": vjp,
    "jacrev": lambda outputs: jax.jacrev(outputs, ALL),
    "jacfwd": lambda outputs: jax.jacfwd(outputs, ALL),
}


# The client makes a placeholder for a cotangent that it does not need.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transform_is_that_of_the_formulas(transform: str, outputs: Function) -> None:
    """Values, gradients and products agree to the precision of the outputs, also when compiled."""
    found = TRANSFORMS[transform](outputs)(*POINT)
    expected = TRANSFORMS[transform](outputs_of_formulas)(*POINT)
    jax.tree.map(assert_near, found, expected)


def test_compiled_outputs_have_their_data_types(outputs: Function) -> None:
    """Shapes and data types are known before anything is computed."""
    form = jax.eval_shape(outputs, *POINT)
    assert {name: (leaf.shape, str(leaf.dtype)) for name, leaf in form.items()} == {
        "signal": ((5,), "float64"),
        "energy": ((), "float32"),
    }


def test_descent_through_the_service(outputs: Function) -> None:
    """A few compiled steps down the gradient recover an amplitude from the signal that it gave."""
    time, amplitude, rate = POINT
    observed = outputs_of_formulas(*POINT)["signal"]

    @jax.jit
    def step(guess: Any) -> Any:
        def misfit(guess: Any) -> Any:
            return jnp.mean((outputs(time, guess, rate)["signal"] - observed) ** 2)

        return guess - jax.grad(misfit)(guess)

    guess = jnp.asarray(1.0)
    for _ in range(20):
        guess = step(guess)
    assert_near(guess, amplitude)


def assert_near(found: Any, expected: Any) -> None:
    """Assert that numbers are the same but for rounding; one output is in single precision."""
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)
