"""The order of a remainder, from its sizes at smaller and smaller steps."""

from __future__ import annotations

import numpy as np
import pytest

from tesseract_runtime_workbench.check_gradients.check_results import Remainder

STEPS = 4.0 ** -np.arange(2.0, 14.0)
NOISE = 1e-14 * np.array([1.0, 0.6, 1.4, 0.8, 1.2, 0.7, 1.1, 0.9, 1.3, 0.5, 1.0, 0.9])


def order_of(sizes: np.ndarray) -> float | None:
    """Return the order of an even remainder."""
    return Remainder(steps=STEPS, sizes=sizes, floor=1e-14, expected=4, lost=2).order


def test_a_jump_of_a_solver_is_not_an_order() -> None:
    """An iteration more or less at one step changes a solution by its tolerance."""
    sizes = 200 * STEPS**4 + NOISE
    sizes[6:] += 2e-1 * STEPS[6:] ** 2
    assert order_of(sizes) == pytest.approx(4, abs=0.05)


def test_a_small_error_of_a_derivative_is_one() -> None:
    """A wrong term falls with the square of the step until rounding hides it."""
    assert order_of(200 * STEPS**4 + 1e-3 * STEPS**2 + NOISE) == pytest.approx(2, abs=0.1)
