"""The options of the functions: invalid ones are refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import GradientFailed
from tesseract_runtime_finite_differences import finite_difference_jacobian
from tests.finite_differences.conftest import GRADIENTS, Noted, gradient, identity, jacobian

every_gradient = pytest.mark.parametrize("name", GRADIENTS)


def refusal(name: str, **options: Any) -> str:
    """Return the message of refused options, before anything is evaluated."""
    apply = Noted(identity)
    with pytest.raises(GradientFailed) as caught:
        gradient(name, apply, np.ones(2), **options)
    assert apply.times == 0
    return str(caught.value)


@every_gradient
@pytest.mark.parametrize("eps", [0, 0.0, -1e-4, np.inf, np.nan, "Auto", "", None, 1j])
def test_a_step_that_is_none_is_refused(name: str, eps: Any) -> None:
    """A step is a positive number or "auto"."""
    assert refusal(name, eps=eps) == f"eps={eps!r} must be a positive number or 'auto'."


@every_gradient
def test_a_step_for_each_element_is_refused(name: str) -> None:
    """A step is one number for an input."""
    assert "must be a positive number or 'auto'" in refusal(name, eps=np.array([1e-3, 1e-3]))


@every_gradient
def test_a_wrong_step_of_one_input_is_refused(name: str) -> None:
    """The same rule applies to the steps of a mapping."""
    assert refusal(name, eps={"x": -1.0}) == "eps=-1.0 must be a positive number or 'auto'."


@every_gradient
def test_an_input_without_a_step_is_told(name: str) -> None:
    """A mapping must have every requested input; the message lists those that it has."""
    assert refusal(name, eps={"z": 1e-3, "w": "auto"}) == ("eps has no step for 'x'. It has: w, z.")


def test_steps_of_other_inputs_are_no_fault() -> None:
    """A mapping may have more inputs than requested."""
    np.testing.assert_allclose(
        jacobian(identity, np.ones(2), eps={"x": 1e-3, "z": 1e-2}), np.eye(2)
    )


@every_gradient
@pytest.mark.parametrize("algorithm", ["centrl", "", None])
def test_an_unknown_algorithm_is_refused(name: str, algorithm: Any) -> None:
    """The message lists the valid ones."""
    assert refusal(name, algorithm=algorithm) == (
        f"algorithm={algorithm!r} is unknown. Available: central, forward, stochastic."
    )


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
@pytest.mark.parametrize("num_samples", [0, -3])
def test_a_number_of_samples_that_is_none_is_refused(name: str, num_samples: int) -> None:
    """At least one sample is needed."""
    assert refusal(name, algorithm="stochastic", num_samples=num_samples) == (
        f"num_samples={num_samples} must be at least 1."
    )


@pytest.mark.parametrize("name", ["jacobian", "vjp"])
def test_a_seed_that_is_none_is_refused(name: str) -> None:
    """A seed is not negative."""
    assert "seed=-1" in refusal(name, algorithm="stochastic", seed=-1)


def test_options_are_named() -> None:
    """Options are keyword arguments."""
    with pytest.raises(TypeError, match="positional"):
        finite_difference_jacobian(identity, {"x": np.ones(1)}, {"x"}, {"y"}, "central")  # type: ignore[call-arg]  # that is the point
