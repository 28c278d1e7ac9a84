"""The array encoding `json`: numbers as nested lists, readable by people."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from runtime_core.arrays.coercion import cast, non_numeric
from runtime_core.arrays.nested_numbers import from_numbers
from runtime_core.contracts import ArraySpec, Buffer, CallScope, EncodedData


class JsonArrayCodec:
    """Writes nested lists; 64-bit integers and all floats are exact."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return nested lists, with strings for values that are not numbers in JSON."""
        if array.dtype.kind == "c":
            return {"buffer": _nested(array, lambda value: str(value).strip("()"))}
        numbers = array.tolist()
        if array.dtype.kind == "f" and not _are_finite(numbers, array):
            return {"buffer": _nested(array, _float_or_word)}
        return {"buffer": numbers}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read nested lists of the declared shape, or a flat list of the same size."""
        buffer = data["buffer"]
        if isinstance(buffer, Buffer):
            raise non_numeric("bytes are not numbers")
        _check_count(buffer, spec)
        array = from_numbers(buffer, spec.dtype, integral_floats=True)
        if array.shape != spec.shape:
            if not _fits(array.shape, spec.shape):
                raise ValueError(f"the buffer has shape {array.shape}, declared is {spec.shape}")
            array = array.reshape(spec.shape)
        if spec.dtype.kind == "b" and not np.isin(array, (0, 1)).all():
            raise ValueError("a boolean is true, false, 1 or 0")
        return array if array.dtype == spec.dtype else cast(array, spec.dtype)


def _are_finite(numbers: Any, array: np.ndarray[Any, Any]) -> bool:
    """Test whether all numbers are finite; a sum is the faster test of few, but may overflow."""
    few = array.ndim == 1 and len(numbers) <= _FEW and math.isfinite(sum(numbers))
    return few or bool(np.isfinite(array).all())


_FEW = 64


def _fits(shape: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    """Test whether nested lists have the declared shape, or are one flat list of the same size.

    Lists do not have the sizes after a size of 0.
    """
    size = math.prod(declared)
    if size == 0 and math.prod(shape) == 0:
        return shape == (0,) or shape == declared[: len(shape)]
    return shape == declared or shape == (size,)


def _check_count(buffer: Any, spec: ArraySpec) -> None:
    """Refuse a list that cannot fit, before numpy takes memory for it."""
    if isinstance(buffer, list):
        first = spec.shape[0] if spec.shape else None
        if len(buffer) not in (first, math.prod(spec.shape)):
            raise ValueError(f"{len(buffer)} elements do not fit into shape {spec.shape}")


def _nested(array: np.ndarray[Any, Any], write: Any) -> Any:
    elements = np.empty(array.size, dtype=object)
    elements[:] = [write(element) for element in array.ravel().tolist()]
    return elements.reshape(array.shape).tolist()


def _float_or_word(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
