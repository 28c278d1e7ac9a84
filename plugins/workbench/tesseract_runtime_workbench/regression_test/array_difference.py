"""The difference of two arrays in words: their shapes, or the elements that are farthest off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tesseract_runtime_workbench.regression_test.tolerance import Tolerance, is_exact, widened

_Array = np.ndarray[Any, Any]

_SHOWN = 5  # elements of an array; more tell no more


def array_difference(expected: _Array, got: _Array, tolerance: Tolerance) -> str | None:
    """Return how an array differs from the expected one, or `None` if it does not.

    Data types are not compared: whoever wrote the expected numbers may not have named any.

    >>> import numpy as np
    >>> print(array_difference(np.array([1, 2, 3]), np.array([1, 7, 4]), Tolerance()))
    2 of 3 elements differ
      [1]: expected 2, got 7
      [2]: expected 3, got 4
    """
    if expected.shape != got.shape:
        return f"expected shape {expected.shape}, got {got.shape}"
    expected = _cast(expected, got.dtype)
    wrong = ~tolerance.admits(expected, got)
    if not wrong.any():
        return None
    if not got.ndim:
        return f"expected {expected[()]!s}, got {got[()]!s}"
    margin = "" if is_exact(expected, got) else f" by more than {tolerance}"
    header = f"{np.count_nonzero(wrong)} of {got.size} elements differ{margin}"
    return "\n".join([header, *_worst(expected, got, wrong)])


def _cast(expected: _Array, dtype: np.dtype[Any]) -> _Array:
    """Return expected numbers in the precision of those that came, where that is possible."""
    if np.can_cast(expected.dtype, dtype, "same_kind"):
        with np.errstate(over="ignore"):
            return expected.astype(dtype)
    return expected


def _worst(expected: _Array, got: _Array, wrong: _Array) -> Iterator[str]:
    """Yield index and both values of the elements that differ most, the farthest first."""
    positions = np.flatnonzero(wrong)
    with np.errstate(all="ignore"):
        distances = np.abs(widened(got[wrong]) - widened(expected[wrong]))
    farthest = np.argsort(-np.nan_to_num(distances, nan=np.inf), kind="stable")[:_SHOWN]
    for position in positions[farthest]:
        index = tuple(map(int, np.unravel_index(position, got.shape)))
        yield f"  {list(index)}: expected {expected[index]!s}, got {got[index]!s}"
