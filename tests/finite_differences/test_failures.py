"""Messages where no finite difference exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import FaultKind, GradientFailed, TesseractRuntimeError
from tesseract_runtime_finite_differences import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)
from tests.finite_differences.conftest import ALGORITHMS, GRADIENTS, gradient, identity, jacobian

every_gradient = pytest.mark.parametrize("name", GRADIENTS)
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)

BASE = np.array([[1.0, 2.0], [3.0, 4.0]])


def refusal(compute: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """Return the message of a refused gradient."""
    with pytest.raises(GradientFailed) as caught:
        compute(*arguments, **named)
    assert caught.value.kind is FaultKind.TESSERACT_FAILED
    return str(caught.value)


def failing(where: Callable[[Any], bool], error: BaseException) -> Any:
    """Return the identity, which raises an error where a condition holds."""

    def apply(inputs: Any) -> Any:
        if where(inputs["x"]):
            raise error
        return identity(inputs)

    return apply


def constant(inputs: Any) -> Any:
    """Return ones, whatever x is."""
    return {"y": np.ones_like(inputs["x"])}


@every_gradient
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "complex128", "object", "<U1"])
def test_inputs_that_do_not_move_by_little_are_refused(name: str, dtype: str) -> None:
    """Integers and booleans have no small steps, and complex numbers no real ones."""
    assert refusal(gradient, name, identity, np.ones(3).astype(dtype)) == (
        f"Input 'x' has the data type {dtype}: finite differences need real floating point."
    )


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, True, 3])
def test_inputs_that_are_no_arrays_of_floats_are_refused(value: Any) -> None:
    """The message has the data type of the input."""
    assert "Input 'x' has the data type" in refusal(jacobian, identity, value)


@pytest.mark.parametrize("sign", ["is changed from 3.0 to 3.5", "is changed from 3.0 to 2.5"])
@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_the_element_at_which_apply_fails_is_told(name: str, sign: str) -> None:
    """The message has path, index and both values; the cause is the exception of apply."""
    above = "3.5" in sign
    apply = failing(lambda x: x[1, 0] == (3.5 if above else 2.5), ValueError("no mesh"))
    with pytest.raises(GradientFailed) as caught:
        gradient(name, apply, BASE, eps=0.5)
    assert str(caught.value) == (
        f"apply failed where input 'x' at index (1, 0) {sign}: ValueError: no mesh"
    )
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_number_at_which_apply_fails_has_no_index() -> None:
    """A number is named by its path alone."""
    apply = failing(lambda x: x > 1, ZeroDivisionError())
    assert refusal(jacobian, apply, np.float32(1.0), eps=0.5) == (
        "apply failed where input 'x' is changed from 1.0 to 1.5: ZeroDivisionError"
    )


def test_the_base_at_which_apply_fails_is_told() -> None:
    """Forward differences evaluate the inputs themselves too."""
    apply = failing(lambda x: (x == BASE).all(), KeyError("k"))
    assert refusal(jacobian, apply, BASE, algorithm="forward") == (
        "apply failed at the inputs themselves: KeyError: 'k'"
    )


@pytest.mark.parametrize(
    ("name", "algorithm", "direction"),
    [
        ("jvp", "central", "along the tangent"),
        ("jvp", "forward", "along the tangent"),
        ("jacobian", "stochastic", "along a random direction"),
        ("vjp", "stochastic", "along a random direction"),
    ],
)
def test_the_direction_in_which_apply_fails_is_told(
    name: str, algorithm: Any, direction: str
) -> None:
    """When all elements move at once, the message names the direction."""
    x = np.linspace(1, 2, 11)
    apply = failing(lambda moved: (moved != x).any(), RuntimeError("diverged"))
    message = refusal(gradient, name, apply, x, algorithm=algorithm)
    assert message.startswith("apply failed where 'x' ")
    assert message.endswith(f"{direction}: RuntimeError: diverged")


def test_an_exception_that_cannot_be_printed_is_told() -> None:
    """The message appears even if the exception's own text fails."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Broken" in refusal(jacobian, failing(lambda x: True, Broken()), BASE)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_whoever_stops_the_process_is_heard(error: BaseException) -> None:
    """Ctrl-C in an evaluation ends the gradient."""
    with pytest.raises(type(error)):
        jacobian(failing(lambda x: True, error), BASE)


@every_gradient
@every_algorithm
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(name: str, algorithm: Any, value: float) -> None:
    """NaN and infinity cannot be subtracted."""

    def apply(inputs: Any) -> Any:
        y = inputs["x"].copy()
        y[1] = value
        return {"y": y}

    message = refusal(gradient, name, apply, np.ones(2), algorithm=algorithm)
    assert message.startswith(f"apply returns {value} for output 'y' at index (1,) ")
    assert message.endswith(", so no finite difference exists.")


def test_the_element_at_which_a_value_is_not_finite_is_told() -> None:
    """The message names the elements of output and input."""

    def apply(inputs: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return {"y": np.sqrt(inputs["x"]).reshape(2, 2)}

    x = np.array([4.0, 1.0, 1.0, 0.25])
    assert refusal(jacobian, apply, x, eps=0.5) == (
        "apply returns nan for output 'y' at index (1, 1) where input 'x' at index (3,) is changed "
        "from 0.25 to -0.25, so no finite difference exists."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
@every_gradient
@every_algorithm
def test_inputs_that_are_not_finite_are_refused(name: str, algorithm: Any, value: float) -> None:
    """Infinity has no neighbours, even for outputs that do not depend on it."""
    x = np.array([1.0, value])
    message = refusal(gradient, name, constant, x, algorithm=algorithm)
    assert "'x' at index (1,)" in message


@pytest.mark.parametrize("algorithm", ["central", "forward"])
@every_gradient
def test_a_shape_that_depends_on_values_is_refused(name: str, algorithm: Any) -> None:
    """Outputs of different shapes cannot be subtracted."""

    def apply(inputs: Any) -> Any:
        x = inputs["x"]
        return {"y": np.zeros(3 if x[0] > 1 else 2)}

    message = refusal(gradient, name, apply, np.ones(2), algorithm=algorithm)
    assert message.startswith("apply returns output 'y' with shape (")
    assert " with shape (3,) where " in message
    assert " with shape (2,) " in message
    assert message.endswith(": the shape of an output must not depend on a value.")


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize("algorithm", ["central", "forward"])
def test_a_shape_that_depends_on_one_element_is_refused(name: str, algorithm: Any) -> None:
    """Columns of different shapes do not fit into one Jacobian, though each is a difference."""

    def apply(inputs: Any) -> Any:
        return {"y": np.zeros(2 if inputs["x"][1] == 1 else 3)}

    message = refusal(gradient, name, apply, np.ones(2), algorithm=algorithm)
    assert "'y'" in message
    assert "(2,)" in message
    assert "(3,)" in message


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_a_shape_that_differs_between_samples_is_refused(name: str) -> None:
    """The same holds for the samples of an estimate."""
    sizes = iter([2, 2, 3, 3])

    def apply(inputs: Any) -> Any:
        return {"y": np.zeros(next(sizes))}

    message = refusal(
        gradient, name, apply, np.ones(3), algorithm="stochastic", num_samples=2, seed=0
    )
    assert "'y'" in message
    assert "(2,)" in message
    assert "(3,)" in message


@every_gradient
def test_an_output_that_is_no_array_is_told(name: str) -> None:
    """The message has the path and the value of an output that is not an array."""

    def apply(inputs: Any) -> Any:
        return {"y": "text"}

    assert "apply returned text at 'y', expected an array" in refusal(
        gradient, name, apply, np.ones(2)
    )


@pytest.mark.parametrize("inputs", [{"z"}, {"x", "z"}, {"x.[0].w"}])
def test_an_input_that_is_not_there_is_told(inputs: set[str]) -> None:
    """A missing path in the inputs is a fault of the caller."""
    with pytest.raises(TesseractRuntimeError, match=r"There is nothing at '(z|x.\[0\].w|x.\[0\])'"):
        finite_difference_jacobian(identity, {"x": np.ones(2)}, inputs, {"y"})


def test_an_output_that_is_not_there_is_told() -> None:
    """The message names a missing path in the outputs."""
    with pytest.raises(TesseractRuntimeError, match="'z'"):
        finite_difference_jacobian(identity, {"x": np.ones(2)}, {"x"}, {"z"})


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        (
            {"x": np.ones(3)},
            "The tangent of 'x' is an array of shape (3,), expected (2,).",
        ),
        (
            {"x": np.float64(1.0)},
            "The tangent of 'x' is an array of shape (), expected (2,).",
        ),
        ({}, "The tangent is a dict with the keys none, expected x."),
        (
            {"x": np.ones(2), "z": np.ones(2)},
            "The tangent is a dict with the keys x, z, expected x.",
        ),
    ],
)
def test_a_tangent_that_does_not_fit_is_told(tangent: Any, message: str) -> None:
    """A tangent has exactly the keys and shapes of the inputs."""
    x = {"x": np.ones(2)}
    assert refusal(finite_difference_jvp, identity, x, {"x"}, {"y"}, tangent) == message


@every_algorithm
@pytest.mark.parametrize(
    ("cotangent", "message"),
    [
        (
            {"y": np.ones(3)},
            "The cotangent of 'y' is an array of shape (3,), expected (2,).",
        ),
        (
            {"y": np.ones((1, 2))},
            "The cotangent of 'y' is an array of shape (1, 2), expected (2,).",
        ),
        ({"x": np.ones(2)}, "The cotangent is a dict with the keys x, expected y."),
    ],
)
def test_a_cotangent_that_does_not_fit_is_told(
    cotangent: Any, message: str, algorithm: Any
) -> None:
    """A cotangent has exactly the keys and shapes of the outputs."""
    x = {"x": np.ones(2)}
    assert (
        refusal(finite_difference_vjp, identity, x, {"x"}, {"y"}, cotangent, algorithm=algorithm)
        == message
    )


def test_a_tangent_that_is_not_real_is_told() -> None:
    """The imaginary part of a tangent of a real input is refused, not dropped."""
    tangent = {"x": np.array([1j, 0])}
    x = {"x": np.ones(2)}
    assert "tangent" in refusal(finite_difference_jvp, identity, x, {"x"}, {"y"}, tangent)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("apply", [identity, constant])
def test_a_tangent_that_is_not_finite_is_refused(apply: Any, value: float) -> None:
    """Infinite steps are refused, even for outputs that do not depend on them."""
    tangent = {"x": np.array([1.0, value])}
    x = {"x": np.ones(2)}
    assert "tangent" in refusal(finite_difference_jvp, apply, x, {"x"}, {"y"}, tangent)
