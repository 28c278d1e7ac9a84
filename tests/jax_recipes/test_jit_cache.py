"""Derivatives are compiled once for each function, form of the inputs and set of paths."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tesseract_runtime_jax import jax_abstract_eval, jax_jacobian, jax_jvp, jax_vjp
from tests.jax_recipes.conftest import Counted, Inputs

X = np.array([1.0, 2.0, 3.0])


def quadratic(inputs: dict[str, Any]) -> dict[str, Any]:
    """Compute two outputs of two inputs."""
    return {"y": inputs["a"] ** 2, "z": inputs["a"] * inputs["b"]}


def _jacobian(function: Any, inputs: Any, by: set[str], of: set[str]) -> Any:
    return jax_jacobian(function, inputs, by, of)


def _jvp(function: Any, inputs: Any, by: set[str], of: set[str]) -> Any:
    return jax_jvp(function, inputs, by, of, {path: getattr(inputs, path) for path in by})


def _vjp(function: Any, inputs: Any, by: set[str], of: set[str]) -> Any:
    return jax_vjp(function, inputs, by, of, dict.fromkeys(of, inputs.a))


def _abstract_eval(function: Any, inputs: Any, by: set[str], of: set[str]) -> Any:
    return jax_abstract_eval(function, inputs)


every_derivative = pytest.mark.parametrize("derive", [_jacobian, _jvp, _vjp])
every_function = pytest.mark.parametrize("derive", [_jacobian, _jvp, _vjp, _abstract_eval])


@every_function
def test_other_values_are_not_traced_again(derive: Callable[..., Any]) -> None:
    """Arrays of the same shapes and data types use the compiled function."""
    counted = Counted(quadratic)
    for scale in range(5):
        derive(counted, Inputs(a=scale * X, b=X, mode="a", n=3, f=0.5), {"a"}, {"y"})
    assert counted.traces == 1


@every_derivative
def test_the_order_of_paths_is_nothing_new(derive: Callable[..., Any]) -> None:
    """Sets and lists of the same paths are the same question."""
    counted = Counted(quadratic)
    inputs = Inputs(a=X, b=X)
    for by, of in [({"a", "b"}, {"y", "z"}), (["b", "a"], ["z", "y"]), (("a", "b"), ("z", "y"))]:
        derive(counted, inputs, by, of)
    assert counted.traces == 1


@every_derivative
@pytest.mark.parametrize(
    "changed",
    [
        {"a": np.ones(4), "b": np.ones(4)},
        {"a": X.astype(np.float32)},
        {"mode": "b"},
        {"n": 4},
        {"extra": None},
    ],
    ids=str,
)
def test_other_forms_are_compiled_anew(derive: Callable[..., Any], changed: dict[str, Any]) -> None:
    """Other shapes, data types and static values are traced once, and then known too."""
    counted = Counted(quadratic)
    values = {"a": X, "b": X, "mode": "a", "n": 3}
    for _ in range(3):
        derive(counted, Inputs(**values), {"a"}, {"y"})
        derive(counted, Inputs(**(values | changed)), {"a"}, {"y"})
    assert counted.traces == 2


def test_nothing_but_what_is_asked_for_is_differentiated() -> None:
    """Inputs that are not selected may be used in functions without a derivative."""

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        shape = jax.eval_shape(lambda: jnp.zeros(3))
        table = jax.pure_callback(lambda b: np.asarray(b) * 2, shape, inputs["b"])
        return {"y": inputs["a"] * table}

    inputs = Inputs(a=X, b=X)
    found = jax_vjp(function, inputs, {"a"}, {"y"}, {"y": np.ones(3)})
    np.testing.assert_array_equal(found["a"], 2 * X)
    with pytest.raises(ValueError, match="do not support JVP"):
        jax_vjp(function, inputs, {"b"}, {"y"}, {"y": np.ones(3)})


def test_methods_are_compiled_once() -> None:
    """A method is the same one whenever it is looked up, and another one of another object."""

    class Model:
        def __init__(self, scale: float) -> None:
            self.scale = scale
            self.traces = 0

        def apply_jit(self, inputs: dict[str, Any]) -> dict[str, Any]:
            self.traces += 1
            return {"y": self.scale * inputs["a"]}

    for model in (Model(2.0), Model(3.0)):
        for _ in range(3):
            found = jax_vjp(model.apply_jit, Inputs(a=X), {"a"}, {"y"}, {"y": X})
            np.testing.assert_array_equal(found["a"], model.scale * X)
        assert model.traces == 1


def test_partial_functions_are_compiled_once() -> None:
    """The same function with the same arguments is known again, however often it is made."""
    traces = []

    def scaled(scale: float, inputs: dict[str, Any], *, power: int) -> dict[str, Any]:
        traces.append(scale)
        return {"y": scale * inputs["a"] ** power}

    for _ in range(3):
        for scale, power in [(2.0, 1), (3.0, 1), (3.0, 2)]:
            function = partial(scaled, scale, power=power)
            found = jax_vjp(function, Inputs(a=X), {"a"}, {"y"}, {"y": X})
            np.testing.assert_array_equal(found["a"], scale * power * X**power)
    assert traces == [2.0, 3.0, 3.0]


def test_identities_are_not_used_again() -> None:
    """A function whose place in memory an earlier one had is not taken for it."""
    for size in range(600):

        def function(inputs: dict[str, Any], size: int = size) -> dict[str, Any]:
            return {"y": jnp.zeros(size)}

        assert jax_abstract_eval(function, Inputs(a=X))["y"]["shape"] == (size,)
        del function


def test_what_is_compiled_is_let_go_in_the_end() -> None:
    """Functions that are not used any more do not stay for ever."""

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["a"]}

    alive = weakref.ref(function)
    jax_abstract_eval(function, Inputs(a=X))
    del function
    for size in range(400):
        jax_abstract_eval(Counted(quadratic), Inputs(a=np.ones(size), b=X[:1]))
    forget: Any = jax.clear_caches  # JAX keeps some of what it has traced
    forget()
    gc.collect()
    assert alive() is None


def test_inputs_are_not_kept() -> None:
    """A compiled function does not keep the arrays of its first call in memory."""

    class Kept(np.ndarray[Any, Any]):
        """An array that can be referred to weakly."""

    array = np.ones(3).view(Kept)
    alive = weakref.ref(array)
    jax_vjp(quadratic, Inputs(a=array, b=X), {"a"}, {"y"}, {"y": X})
    del array
    gc.collect()
    assert alive() is None


def test_threads_get_their_own_results() -> None:
    """Many threads at once may ask for derivatives of the same function."""

    def work(scale: int) -> bool:
        found = jax_vjp(quadratic, Inputs(a=scale * X, b=X), {"a"}, {"y", "z"}, {"y": X, "z": X})
        return bool(np.all(found["a"] == 2 * scale * X * X + X * X))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(100)))
