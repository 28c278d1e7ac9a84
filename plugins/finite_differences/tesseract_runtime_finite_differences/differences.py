"""Differences of outputs between two points."""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime_core.errors import GradientFailed
from tesseract_runtime_finite_differences.points import AnyArray, Arrays, Point, Values


def difference(above: Values, below: Values, point: Point) -> Arrays:
    """Return how much each output differs, in float64 or complex128.

    `point` is where the values `above` are from. Raises `GradientFailed` for outputs whose shape
    is not the same at both points.
    """
    return {
        path: _wide(value) - _wide(_alike(below[path], value, path, point))
        for path, value in above.items()
    }


def derivative_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the data type of the derivatives of an output of some data type."""
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _wide(array: AnyArray) -> AnyArray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _alike(below: AnyArray, above: AnyArray, path: str, point: Point) -> AnyArray:
    if below.shape != above.shape:
        raise GradientFailed(
            f"apply returns output {path!r} with shape {above.shape} {point.place}, and with "
            f"shape {below.shape} beside it: the shape of an output must not depend on a value."
        )
    return below
