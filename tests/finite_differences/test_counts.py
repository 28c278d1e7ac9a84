"""The number of evaluations, which is the cost of a gradient."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
import pytest

from tesseract_runtime_finite_differences import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)
from tests.finite_differences.conftest import Noted, gradient, identity

OUTPUTS = ("a", "b", "c")


def three(inputs: Any) -> Any:
    """Return three outputs of different shapes."""
    x = inputs["x"]
    return {"a": x[:2], "b": x.sum(), "c": np.outer(x[:3], x[:2])}


def times(name: str, elements: int, **options: Any) -> int:
    """Count the evaluations for one gradient of three outputs."""
    apply = Noted(three)
    x = np.linspace(1, 2, elements)
    if name == "jacobian":
        finite_difference_jacobian(apply, {"x": x}, {"x"}, OUTPUTS, **options)
    elif name == "jvp":
        finite_difference_jvp(apply, {"x": x}, {"x"}, OUTPUTS, {"x": x}, **options)
    else:
        cotangents = {path: np.ones_like(value) for path, value in three({"x": x}).items()}
        finite_difference_vjp(apply, {"x": x}, {"x"}, OUTPUTS, cotangents, **options)
    return apply.times


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize(("algorithm", "count"), [("central", 800), ("forward", 401)])
def test_columns_are_evaluated_once_for_all_outputs(name: str, algorithm: Any, count: int) -> None:
    """It takes two evaluations an element, or one and the base, however many outputs there are."""
    assert times(name, 400, algorithm=algorithm) == count


@pytest.mark.parametrize("algorithm", ["central", "forward", "stochastic"])
@pytest.mark.parametrize("elements", [4, 400])
def test_a_tangent_takes_two_evaluations(algorithm: Any, elements: int) -> None:
    """A tangent takes two evaluations, whatever the algorithm."""
    assert times("jvp", elements, algorithm=algorithm) == 2


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize("num_samples", [1, 7])
def test_samples_take_two_evaluations_each(name: str, num_samples: int) -> None:
    """The number of samples can be chosen."""
    assert times(name, 400, algorithm="stochastic", num_samples=num_samples) == 2 * num_samples


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize("elements", [11, 99, 121, 399, 400])
def test_samples_are_the_root_of_the_elements_or_ten(name: str, elements: int) -> None:
    """By default the number of samples grows with the root of the size."""
    assert times(name, elements, algorithm="stochastic") == 2 * max(10, isqrt(elements))


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize(("elements", "options"), [(3, {}), (10, {}), (40, {"num_samples": 40})])
def test_samples_are_never_more_than_the_elements(
    name: str, elements: int, options: dict[str, int]
) -> None:
    """Each element is moved once each way where as many samples would be drawn."""
    assert times(name, elements, algorithm="stochastic", **options) == 2 * elements


@pytest.mark.parametrize("algorithm", ["central", "forward"])
def test_inputs_that_are_not_asked_for_cost_nothing(algorithm: Any) -> None:
    """Only elements of the inputs to differentiate by are moved."""
    apply = Noted(lambda inputs: {"y": inputs["x"].sum() * inputs["z"]})
    inputs = {"x": np.ones(100), "z": np.ones(2)}
    finite_difference_jacobian(apply, inputs, {"z"}, {"y"}, algorithm=algorithm)
    assert apply.times == {"central": 4, "forward": 3}[algorithm]


@pytest.mark.parametrize(
    ("name", "algorithm", "most"),
    [
        ("jacobian", "central", 1),
        ("jacobian", "forward", 2),
        ("jacobian", "stochastic", 20),
        ("jvp", "central", 2),
        ("vjp", "central", 0),
        ("vjp", "forward", 1),
        ("vjp", "stochastic", 20),
    ],
)
def test_nothing_to_move_costs_next_to_nothing(name: str, algorithm: Any, most: int) -> None:
    """An input without elements is evaluated for the shapes of the outputs at most."""
    apply = Noted(identity)
    gradient(name, apply, np.zeros(0), algorithm=algorithm)
    assert apply.times <= most


@pytest.mark.parametrize(("algorithm", "count"), [("central", 10), ("forward", 6)])
def test_a_batch_of_tangents_is_one_set_of_evaluations(algorithm: Any, count: int) -> None:
    """It takes two evaluations a tangent, or one and the base, with the values of single ones."""
    apply, x = Noted(three), np.linspace(1, 2, 4)
    tangents = np.random.default_rng(1).standard_normal((5, 4))
    options: Any = {"algorithm": algorithm, "eps": "auto"}
    found = finite_difference_jvp(
        apply, {"x": x}, {"x"}, OUTPUTS, {"x": tangents}, batch=5, **options
    )
    assert apply.times == count
    for position, tangent in enumerate(tangents):
        alone = finite_difference_jvp(three, {"x": x}, {"x"}, OUTPUTS, {"x": tangent}, **options)
        for path, array in alone.items():
            np.testing.assert_array_equal(found[path][position], array)


@pytest.mark.parametrize(
    ("algorithm", "count"), [("central", 8), ("forward", 5), ("stochastic", 6)]
)
def test_a_batch_of_cotangents_takes_the_evaluations_of_one(algorithm: Any, count: int) -> None:
    """Every column is contracted with all cotangents, with the values of single ones."""
    apply, x = Noted(three), np.linspace(1, 2, 4)
    random = np.random.default_rng(1)
    cotangents = {p: random.standard_normal((5, *np.shape(v))) for p, v in three({"x": x}).items()}
    options: Any = {"algorithm": algorithm, "num_samples": 3, "seed": 1}
    found = finite_difference_vjp(apply, {"x": x}, {"x"}, OUTPUTS, cotangents, batch=5, **options)
    assert apply.times == count
    for position in range(5):
        one = {path: array[position] for path, array in cotangents.items()}
        alone = finite_difference_vjp(three, {"x": x}, {"x"}, OUTPUTS, one, **options)
        np.testing.assert_allclose(found["x"][position], alone["x"], rtol=1e-12)
