"""Ownership of arrays: functions may change their inputs and reuse buffers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from tesseract_runtime_finite_differences import finite_difference_jacobian
from tests.builtin.conftest import GRADIENTS as ENDPOINTS
from tests.builtin.conftest import HEADER, JACOBIAN, JVP, VJP, Make, answer, ask, numbers
from tests.finite_differences.conftest import GRADIENTS, cubes, gradient, identity

every_gradient = pytest.mark.parametrize("name", GRADIENTS)
both_algorithms = pytest.mark.parametrize("algorithm", ["central", "forward"])

X = np.array([1.0, 2.0, 3.0])


class Careless:
    """An apply that computes in its inputs and returns one buffer at each call."""

    def __init__(self) -> None:
        self.buffer = np.zeros(3)

    def __call__(self, inputs: Any) -> Any:
        """Return the cubes of x."""
        x = inputs["x"]
        x **= 3
        self.buffer[:] = x
        inputs["x"] = inputs["rest"].pop()
        return {"y": self.buffer}


def with_rest(function: Any) -> Any:
    """Return a function of `{"x": ...}` that passes another input to change as well."""
    return lambda inputs: function({**inputs, "rest": [np.zeros(1)]})


@every_gradient
@both_algorithms
def test_a_careless_function_is_differentiated_as_a_careful_one(name: str, algorithm: Any) -> None:
    """Each evaluation gets its own inputs, and its outputs are copied before the next."""
    found = gradient(name, with_rest(Careless()), X, algorithm=algorithm)
    np.testing.assert_array_equal(found, gradient(name, cubes, X, algorithm=algorithm))


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_a_careless_function_has_the_same_estimate(name: str) -> None:
    """The same holds for samples."""
    options: dict[str, Any] = {"algorithm": "stochastic", "num_samples": 2, "seed": 1}
    found = gradient(name, with_rest(Careless()), X, **options)
    np.testing.assert_array_equal(found, gradient(name, cubes, X, **options))


def test_what_is_not_differentiated_is_each_evaluations_own() -> None:
    """Changes of other inputs do not reach the next evaluation."""

    def apply(inputs: Any) -> Any:
        scale = inputs["scales"].pop()
        scale += 1
        return {"y": scale * inputs["x"]}

    inputs = {"x": X, "scales": [np.zeros(3), np.ones(3)]}
    found = finite_difference_jacobian(apply, inputs, {"x"}, {"y"})
    np.testing.assert_allclose(found["y"]["x"], 2 * np.eye(3))


def test_the_inputs_of_the_caller_stay_as_they_are() -> None:
    """The caller's inputs never change."""
    inputs: dict[str, Any] = {"x": X.copy(), "rest": [np.zeros(1)]}
    before = deepcopy(inputs)
    finite_difference_jacobian(Careless(), inputs, {"x"}, {"y"})
    np.testing.assert_array_equal(inputs["x"], before["x"])
    assert len(inputs["rest"]) == 1


@every_gradient
def test_the_result_is_the_callers(name: str) -> None:
    """It is writable and shares no memory."""
    first = gradient(name, identity, X)
    first[...] = 7
    assert not (gradient(name, identity, X) == 7).any()


CARELESS = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    scales: list[Float64] = [2.0, 3.0]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

BUFFER = np.zeros(2)

def apply(inputs):
    inputs.x *= inputs.scales.pop()
    BUFFER[:] = inputs.x
    inputs.x = None
    return OutputSchema.model_construct(y=BUFFER)
"""
)
"""A Tesseract that computes in its inputs and returns one buffer at each call."""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@both_algorithms
def test_a_careless_tesseract_is_differentiated_all_the_same(
    endpoint: str, algorithm: str, runtime: Make
) -> None:
    """The backend separates evaluations as the functions do."""
    made = runtime(
        CARELESS,
        gradient_backend="finite-differences",
        finite_differences_algorithm=algorithm,
        finite_differences_eps="0.5",
    )
    vectors = {JACOBIAN: None, JVP: {"x": [1.0, 2.0]}, VJP: {"y": [1.0, 2.0]}}
    payload = ask(endpoint, {"x": [1.0, -1.0]}, vector=vectors[endpoint])
    assert (
        numbers(answer(made, endpoint, payload))
        == {
            JACOBIAN: {"y": {"x": [[3.0, 0.0], [0.0, 3.0]]}},
            JVP: {"y": [3.0, 6.0]},
            VJP: {"x": [3.0, 6.0]},
        }[endpoint]
    )
