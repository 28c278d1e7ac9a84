"""How near numbers must be to count as equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """An absolute tolerance, and one relative to the expected number."""

    atol: float = 1e-8
    rtol: float = 1e-5

    def admits(self, expected: _Array, got: _Array) -> _Array:
        """Return for each element of two arrays of one shape whether it is near enough.

        Integers and booleans must be equal. NaN equals NaN, an infinity only itself.

        >>> import numpy as np
        >>> Tolerance(atol=0.1).admits(np.array([1.0, 2.0, np.nan]), np.array([1.05, 3, np.nan]))
        array([ True, False,  True])
        """
        if is_exact(expected, got):
            return np.asarray(expected == got)
        expected, got = widened(expected), widened(got)
        with np.errstate(all="ignore"):
            near = np.abs(got - expected) <= self.atol + self.rtol * np.abs(expected)
        finite = np.isfinite(expected) & np.isfinite(got)
        return np.asarray((near & finite) | _identical(expected, got))

    def __str__(self) -> str:
        return f"{self.atol:g} + {self.rtol:g} * |expected|"


def is_exact(*arrays: _Array) -> bool:
    """Say whether arrays hold nothing but integers and booleans."""
    return all(array.dtype.kind in "biu" for array in arrays)


def widened(array: _Array) -> _Array:
    """Return numbers in double precision, in which the differences of narrower ones are finite."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _identical(expected: _Array, got: _Array) -> _Array:
    """Say where real and imaginary parts are the same, be they NaN or infinite."""
    parts = [(expected.real, got.real), (expected.imag, got.imag)]
    same = [(one == other) | (np.isnan(one) & np.isnan(other)) for one, other in parts]
    return np.asarray(same[0] & same[1])
