"""What gradient functions are given and return, held against what was asked.

Each check gets the beginning of its message, subject and verb: `"jacobian returned"`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from runtime_core.calls.faults import summary
from runtime_core.errors import GradientFailed, listed, shortened
from tesseract_runtime_derived_gradients.vectors import NUMERIC_KINDS, AnyArray, Shape


def returned(function: Callable[..., Any], endpoint: str) -> str:
    """Return how messages begin that speak of a function: by its own name, or its endpoint's.

    >>> returned(len, "jacobian")
    'len returned'
    """
    return f"{getattr(function, '__name__', endpoint)} returned"


def keyed(beginning: str, answer: Any, asked: Collection[str]) -> dict[str, Any]:
    """Return an answer if it is a dict with exactly the keys that were asked for."""
    try:
        found = dict(answer)
    except (TypeError, ValueError):
        raise GradientFailed(
            f"{beginning} {summary(answer)}, expected a dict with the keys {listed(asked)}."
        ) from None
    if found.keys() != set(asked):
        keys = listed([shortened(str(key)) for key in found])
        raise GradientFailed(f"{beginning} the keys {keys}, expected {listed(asked)}.")
    return found


def array_from(beginning: str, place: str, value: Any) -> AnyArray:
    """Return a value as an array if it is one of numbers."""
    try:
        array = np.asarray(value)
    except (RuntimeError, TypeError, ValueError):  # ragged lists, tensors that record gradients
        array = np.asarray(None)
    if array.dtype.kind not in NUMERIC_KINDS:
        raise GradientFailed(
            f"{beginning} {summary(value)} for {place}, expected an array of numbers."
        )
    return array


def check_shape(beginning: str, place: str, got: Shape, expected: Shape) -> None:
    """Raise `GradientFailed` for an array of another shape than it must have."""
    if got != expected:
        raise GradientFailed(
            f"{beginning} an array of shape {got} for {place}, expected {expected}."
        )
