"""The points of evaluation, and the steps by which differences are divided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tesseract_runtime_finite_differences import finite_difference_jacobian, finite_difference_jvp
from tests.finite_differences.conftest import GRADIENTS, Noted, gradient, identity, jacobian, jvp

every_precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_gradient = pytest.mark.parametrize("name", GRADIENTS)


def best(dtype: type[Any], power: float) -> float:
    """Return the step that is best for magnitude 1."""
    return float(np.finfo(dtype).eps ** power)


@every_precision
@pytest.mark.parametrize("x", [2.0, -2.0, 1e-8, 3e12])
def test_scaled_steps_are_a_share_of_the_element(dtype: type[Any], x: float) -> None:
    """Central differences go to both sides by the cube root of the machine epsilon."""
    apply = Noted(identity)
    jacobian(apply, np.array([x], dtype), eps="auto")
    step = best(dtype, 1 / 3) * abs(x)
    assert {point.dtype for point in apply.points} == {np.dtype(dtype)}
    np.testing.assert_allclose(np.ravel(apply.points), [x + step, x - step], atol=1e-3 * step)


@every_precision
@pytest.mark.parametrize("x", [0.0, -0.0])
def test_zero_is_of_magnitude_one(dtype: type[Any], x: float) -> None:
    """At 0 the scaled step is that of 1, for that element alone."""
    apply = Noted(identity)
    jacobian(apply, np.array([x, 1e6], dtype), eps="auto")
    step = best(dtype, 1 / 3)
    np.testing.assert_allclose(apply.points[0], [step, 1e6], rtol=1e-6)
    np.testing.assert_allclose(apply.points[1], [-step, 1e6], rtol=1e-6)


@every_precision
def test_forward_steps_are_smaller(dtype: type[Any]) -> None:
    """Forward differences step up from the inputs by the root of the machine epsilon."""
    apply = Noted(identity)
    jacobian(apply, np.zeros(1, dtype), eps="auto", algorithm="forward")
    np.testing.assert_allclose(np.ravel(apply.points), [0, best(dtype, 1 / 2)], rtol=1e-6)


@every_precision
def test_a_tangent_at_zero_has_the_step_of_magnitude_one(dtype: type[Any]) -> None:
    """Along a tangent too the scaled step is that of 1 where the input is 0."""
    apply = Noted(identity)
    jvp(apply, np.zeros(1, dtype), np.array([4.0], dtype), eps="auto")
    step = best(dtype, 1 / 3)
    np.testing.assert_allclose(np.ravel(apply.points), [step, -step], rtol=1e-6)


def test_each_element_moves_alone_and_in_order() -> None:
    """Points come in C order, the upper one first; nothing else is changed."""
    apply = Noted(identity)
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    jacobian(apply, x, eps=0.5)
    moves = [(point - x).ravel().tolist() for point in apply.points]
    halves = (0.5 * np.eye(4)).tolist()
    assert moves == [move for half in halves for move in (half, [-step for step in half])]


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_a_number_is_an_absolute_step(name: str) -> None:
    """Without "auto" the step is in the unit of the input, whatever its size."""
    apply = Noted(identity)
    gradient(name, apply, np.array([8.0]), eps=0.25)
    assert np.ravel(apply.points).tolist() == [8.25, 7.75]


def test_a_number_is_the_factor_of_a_tangent() -> None:
    """The inputs move by the step times the tangent."""
    apply = Noted(identity)
    jvp(apply, np.array([8.0, 0.0]), np.array([2.0, -4.0]), eps=0.25)
    assert np.array(apply.points).tolist() == [[8.5, -1.0], [7.5, 1.0]]


@every_gradient
def test_the_default_step_is_absolute(name: str) -> None:
    """The default step is 1e-4."""
    apply = Noted(identity)
    gradient(name, apply, np.zeros(1))
    assert np.ravel(apply.points).tolist() == [1e-4, -1e-4]


@every_gradient
@pytest.mark.parametrize("algorithm", ["central", "forward"])
@pytest.mark.parametrize("x", [1000.0, 1e30, -5e4])
def test_a_step_that_rounding_would_swallow_is_taken_longer(
    name: str, algorithm: str, x: float
) -> None:
    """In float32 a step of 1e-4 would lead from 1000 to 1000, and every difference be 0."""
    found = gradient(name, identity, np.array([x], np.float32), eps=1e-4, algorithm=algorithm)
    assert found.ravel().tolist() == [1.0]


@every_gradient
@pytest.mark.parametrize("algorithm", ["central", "forward"])
@every_precision
def test_a_line_has_its_slope_exactly(name: str, algorithm: Any, dtype: type[Any]) -> None:
    """Differences are divided by the step after rounding, so no rounding error is left."""
    x = np.array([0.1], dtype)
    found = gradient(name, lambda inputs: {"y": 2 * inputs["x"]}, x, algorithm=algorithm)
    assert found.ravel().tolist() == [2.0]


def test_a_longer_line_has_its_slope_exactly() -> None:
    """Every element has its own rounding, and its own division."""
    x = np.linspace(-1000, 1000, 41, dtype=np.float32) / 3
    found = jacobian(lambda inputs: {"y": 4 * inputs["x"]}, x, eps=1e-2)
    np.testing.assert_array_equal(found, 4 * np.eye(41))


@pytest.mark.parametrize("algorithm", ["central", "forward"])
@pytest.mark.parametrize("eps", ["auto", 1e-4])
def test_inputs_of_very_different_size_along_one_tangent(eps: Any, algorithm: Any) -> None:
    """A step for a thickness in m is not lost in a pressure in Pa."""
    inputs = {"p": np.array([1e5], np.float32), "d": np.array([1e-3], np.float32)}
    tangent = {path: np.ones(1, np.float32) for path in inputs}
    found = finite_difference_jvp(
        lambda inputs: {"p": 2 * inputs["p"], "d": 3 * inputs["d"]},
        inputs,
        {"p", "d"},
        {"p", "d"},
        tangent,
        eps=eps,
        algorithm=algorithm,
    )
    np.testing.assert_allclose(found["p"], 2, rtol=1e-2)
    np.testing.assert_allclose(found["d"], 3, rtol=1e-2)


@pytest.mark.parametrize(
    ("dtype", "x", "tangent"),
    [
        (np.float16, 1e-3, 6e4),
        (np.float32, 1e-20, 1e30),
        (np.float32, 1e20, 1e-30),
        (np.float64, 1e-150, 1e150),
    ],
)
def test_a_tangent_of_another_size_than_its_input(
    dtype: type[Any], x: float, tangent: float
) -> None:
    """The product of step and tangent neither vanishes nor overflows."""
    found = jvp(identity, np.array([x], dtype), np.array([tangent], dtype), eps="auto")
    np.testing.assert_allclose(found, np.array([tangent], dtype), rtol=1e-2)


@every_precision
@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_the_smallest_numbers_have_a_step(name: str, dtype: type[Any]) -> None:
    """A fraction of the smallest number would round to zero."""
    x = np.array([np.finfo(dtype).smallest_subnormal])
    assert gradient(name, identity, x, eps="auto").ravel().tolist() == [1.0]


@every_gradient
@every_precision
@pytest.mark.parametrize("eps", ["auto", 1e-4])
def test_a_function_that_does_not_change_has_no_derivative(
    name: str, dtype: type[Any], eps: Any
) -> None:
    """Equal values differ by exactly nothing."""
    x = np.array([0.0, 1e-8, 3.0, -1e12], dtype)
    found = gradient(name, lambda inputs: {"y": np.ones_like(inputs["x"])}, x, eps=eps)
    assert not found.any()


def test_each_input_can_have_its_own_step() -> None:
    """A mapping has steps by path, including scaled ones."""
    seen: list[tuple[float, float]] = []

    def apply(inputs: Any) -> Any:
        seen.append((float(inputs["a"]), float(inputs["b"])))
        return {"y": inputs["a"] + inputs["b"]}

    finite_difference_jacobian(
        apply,
        {"a": np.float64(2.0), "b": np.float64(0.0)},
        ["b", "a"],
        ["y"],
        eps={"a": 0.5, "b": "auto"},
    )
    step = best(np.float64, 1 / 3)
    assert seen == [(2.5, 0.0), (1.5, 0.0), (2.0, step), (2.0, -step)]


def test_the_smallest_step_of_a_mapping_counts_along_a_tangent() -> None:
    """All inputs move together by the smallest of their steps."""
    apply = Noted(lambda inputs: {"y": inputs["x"] + inputs["b"]})
    inputs = {"x": np.float64(1.0), "b": np.float64(1.0)}
    finite_difference_jvp(apply, inputs, ["x", "b"], ["y"], inputs, eps={"x": 0.5, "b": 0.25})
    assert np.ravel(apply.points).tolist() == [1.25, 0.75]


@every_gradient
def test_a_step_may_be_any_number(name: str) -> None:
    """Numbers of numpy and whole numbers are steps as well."""
    for eps in (np.float32(0.5), np.float64(0.5), np.int64(1), 1):
        apply = Noted(identity)
        gradient(name, apply, np.zeros(1), eps=eps)
        assert np.ravel(apply.points).tolist() == [float(eps), -float(eps)]
