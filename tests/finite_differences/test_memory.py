"""The memory of gradients: products that never need the whole Jacobian, and its limit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import FaultKind
from tests.builtin.conftest import IDENTITY, JACOBIAN, Make, ask, fault, times_applied
from tests.finite_differences.conftest import identity, jacobian, vjp

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


FIXED = IDENTITY.replace("(None,)", "(2000,)")
ABSTRACT = (
    IDENTITY + '\ndef abstract_eval(abstract_inputs):\n    return {"y": dict(abstract_inputs.x)}\n'
)
BY_ROWS = (
    IDENTITY.partition("def jacobian(")[0]
    + """
def vector_jacobian_product(**named):
    return {"x": named["cotangent_vector"]["y"]}
"""
)


@pytest.mark.parametrize(
    ("source", "backend", "times"),
    [
        (FIXED, "finite-differences", 0),
        (ABSTRACT, "finite-differences", 0),
        (IDENTITY, "finite-differences", 2),
        (FIXED, "native", 0),
        (BY_ROWS, "derived", 1),
    ],
    ids=["fixed", "abstract_eval", "unknown shape", "native", "derived"],
)
def test_a_large_jacobian_is_refused(runtime: Make, source: str, backend: str, times: int) -> None:
    """A Jacobian beyond the limit is refused once its shape is known, and before it is computed."""
    made = runtime(source, gradient_backend=backend, memory_limit=10**7)
    found = fault(made, JACOBIAN, ask(JACOBIAN, {"x": [1.0] * ELEMENTS}))
    assert found.kind is FaultKind.MEMORY_EXCEEDED
    assert found.message == (
        "The Jacobian takes 32000000 bytes, more than the 10000000 bytes that --memory-limit "
        "allows. Ask for fewer inputs and outputs at a time, or raise the limit."
    )
    assert times_applied(made) == times


def test_plain_code_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An author who calls the functions outside of a runtime may fill the memory."""
    monkeypatch.setenv("TESSERACT_MEMORY_LIMIT", "1")
    assert jacobian(identity, np.ones(2)).shape == (2, 2)
