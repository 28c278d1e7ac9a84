"""The memory of a product with a cotangent, which never needs the whole Jacobian."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.finite_differences.conftest import vjp

ELEMENTS = 2000
"""Of input and output; the Jacobian would have 32 MB."""


def peak(compute: Callable[[], object]) -> int:
    """Return the peak of allocated bytes during a call."""
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("algorithm", ["central", "forward", "stochastic"])
def test_a_vjp_never_holds_the_jacobian(algorithm: Any) -> None:
    """The peak is the size of a few columns."""
    x = np.ones(ELEMENTS)
    column = x.nbytes
    assert (
        peak(lambda: vjp(lambda inputs: {"y": 2 * inputs["x"]}, x, x, algorithm=algorithm))
        < 40 * column
    )
