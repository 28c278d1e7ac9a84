"""The accuracy of central differences with scaled steps, in any unit of the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.finite_differences.conftest import AnyArray, gradient, jacobian, jvp

TOLERANCES = {np.float64: 1e-6, np.float32: 1e-2}
"""The largest error, as a share of the largest entry of the exact Jacobian."""

RESOLVABLE = {np.float64: 1e-3, np.float32: 0.05}
"""How large a derivative is, as a share of its largest terms, if differences can tell it."""

every_precision = pytest.mark.parametrize("dtype", TOLERANCES)

scales = st.floats(-8, 12).map(lambda exponent: 10.0**exponent)

ratios = st.builds(lambda sign, size: sign * size, st.sampled_from([-1.0, 1.0]), st.floats(0.1, 10))

# A norm is rounded by its own size, while its derivative may be as small as one element: of some
# thirty elements no step at all would be good enough for float32.
vectors = st.lists(ratios, min_size=1, max_size=6)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A function of x/s, its exact Jacobian by x/s, and the sizes of what that is a sum of."""

    value: Callable[[AnyArray], Any]
    exact: Callable[[AnyArray], AnyArray]
    terms: Callable[[AnyArray], AnyArray]


SINE = Curve(
    value=np.sin,
    exact=lambda u: np.diag(np.cos(u)),
    terms=np.ones_like,
)
EXPONENTIAL = Curve(value=np.exp, exact=lambda u: np.diag(np.exp(u)), terms=np.exp)
NORM = Curve(
    value=lambda u: np.sqrt(np.sum(u * u)),
    exact=lambda u: u / np.sqrt(np.sum(u * u)),
    terms=lambda u: np.abs(u) / np.sqrt(np.sum(u * u)),
)


def polynomial(coefficients: Sequence[float]) -> Curve:
    """Return the curve of a polynomial, lowest power first."""
    sizes = np.abs(coefficients)
    slopes = np.arange(1, len(coefficients)) * coefficients[1:]

    def value(u: AnyArray) -> AnyArray:
        total = np.zeros_like(u)
        for coefficient in reversed(coefficients):
            total = total * u + u.dtype.type(coefficient)
        return total

    return Curve(
        value=value,
        exact=lambda u: np.diag(np.polynomial.polynomial.polyval(u, slopes)),
        terms=lambda u: np.polynomial.polynomial.polyval(np.abs(u), sizes) / np.abs(u),
    )


coefficients = st.lists(st.integers(-10, 10).map(float), min_size=2, max_size=6)
polynomials = coefficients.map(polynomial)

curves = st.one_of(st.sampled_from([SINE, EXPONENTIAL, NORM]), polynomials)


@every_precision
@settings(deadline=None, max_examples=300)
@given(curve=curves, scale=scales, vector=vectors)
def test_error_is_small_in_every_unit(
    dtype: type[Any], curve: Curve, scale: float, vector: list[float]
) -> None:
    """The error is a small share of the largest entry, for elements within 0.1 to 10 scales."""
    scale = float(dtype(scale))
    x = (scale * np.array(vector)).astype(dtype)
    u = x.astype(np.float64) / scale
    exact = curve.exact(u)
    # Values are rounded by a share of what they are summed of. Where an extremum or cancelling
    # terms leave next to nothing of the derivative, that is more than the derivative itself, and
    # no difference of values can tell it.
    assume(np.max(np.abs(exact)) > RESOLVABLE[dtype] * np.max(curve.terms(u)))

    found = jacobian(lambda inputs: {"y": curve.value(inputs["x"] / dtype(scale))}, x, eps="auto")

    assert np.max(np.abs(scale * found - exact)) < TOLERANCES[dtype] * np.max(np.abs(exact))


@every_precision
@settings(deadline=None, max_examples=100)
@given(scale=scales, vector=vectors)
def test_products_are_as_right_as_the_jacobian(
    dtype: type[Any], scale: float, vector: list[float]
) -> None:
    """Both products of an exponential with ones are as accurate."""
    x = np.array(vector, dtype)
    exact = np.exp(x.astype(np.float64))
    for name in ("jvp", "vjp"):
        found = gradient(
            name,
            lambda inputs: {"y": np.exp(inputs["x"] / dtype(scale))},
            x * dtype(scale),
            eps="auto",
        )
        error = np.max(np.abs(float(dtype(scale)) * found - exact))
        assert error < TOLERANCES[dtype] * np.max(exact)


@every_precision
def test_forward_differences_are_right_to_the_root_of_the_precision(dtype: type[Any]) -> None:
    """The error is about that of the step, whose size balances truncation and rounding."""
    x = np.array([0.5, 1.0, 2.0], dtype)
    found = jacobian(lambda inputs: {"y": np.exp(inputs["x"])}, x, algorithm="forward", eps="auto")
    np.testing.assert_allclose(found, np.diag(np.exp(x)), rtol=10 * np.finfo(dtype).eps ** 0.5)


@pytest.mark.parametrize("elements", [1, 100, 10_000])
@every_precision
def test_a_tangent_of_one_element_sees_that_element(dtype: type[Any], elements: int) -> None:
    """The step along a tangent depends on the moving elements, not on the length of the vector."""
    x = np.ones(elements, dtype)
    tangent = np.zeros_like(x)
    tangent[0] = 1
    found = jvp(lambda inputs: {"y": np.sin(inputs["x"])}, x, tangent, eps="auto")
    np.testing.assert_allclose(found[0], np.cos(1), rtol=TOLERANCES[dtype])


@every_precision
def test_a_tangent_of_a_small_element_beside_a_large_one(dtype: type[Any]) -> None:
    """Elements that do not move do not make the step longer."""
    x = np.array([1e6, 1.0], dtype)
    tangent = np.array([0.0, 1.0], dtype)
    found = jvp(lambda inputs: {"y": np.sin(inputs["x"])}, x, tangent, eps="auto")
    np.testing.assert_allclose(found, [0, np.cos(1)], atol=TOLERANCES[dtype])
