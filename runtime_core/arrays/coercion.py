"""Coercion of a value to the array that its field declares.

The rules: no rank promotion; a size of 1 broadcasts; casts of the same kind, and between integers
when the values fit. Every error is a `PydanticCustomError` whose type clients can rely on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from runtime_core.arrays.dtypes import castable
from runtime_core.calls.scope import current
from runtime_core.errors import number_text

Shape = tuple[int | None, ...] | EllipsisType
AnyArray = np.ndarray[Any, Any]

NUMERIC_KINDS = "biufc"

DTYPE_MISMATCH = "array_dtype_mismatch"
"""The type of the error for a data type that cannot be cast."""

_NON_NUMERIC = "Could not parse value as a numeric array ({reason})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """The shape and data type of a field; `None` takes any size or data type, `...` any shape."""

    shape: Shape
    dtype: np.dtype[Any] | None
    strict_shapes: bool = False
    strict_types: bool = False

    def least_size(self) -> int:
        """Return the bytes of an array, with 0 for a size that is not known.

        >>> Expected(shape=(2, 3), dtype=np.dtype("float64")).least_size()
        48
        """
        if self.shape is ... or self.dtype is None:
            return 0
        return math.prod(size or 0 for size in self.shape) * self.dtype.itemsize

    def holds(self, value: Any) -> bool:
        """Test whether a value is an array or scalar that `coerce` would return unchanged.

        The test may fail for such a value, but never passes for another one.
        """
        if type(value) is not np.ndarray:
            return self.shape == () and self.dtype is not None and type(value) is self.dtype.type
        got, shape = value.shape, self.shape
        if value.dtype is not self.dtype or not got:
            return False
        if shape is ... or got == shape:
            return True
        for size, wanted in zip(got, shape, strict=False):
            if wanted is not None and size != wanted:
                return False
        return len(got) == len(shape)

    def coerce(self, array: AnyArray, source: Any = None) -> AnyArray | np.generic:
        """Return `array` in the declared shape and data type; rank 0 becomes a numpy scalar.

        The array itself is returned when it already fits. `source` is the value that it was read
        from, which counts once towards the memory limit.
        """
        if self.holds(array):
            return array
        shape = self.target_shape(array.shape)
        if self.dtype is not None and array.dtype != self.dtype:
            self.check_dtype(array.dtype)
            array = cast(array, self.dtype)
        if self.dtype is not None and array.dtype.num != self.dtype.num:
            array = array.view(
                self.dtype
            )  # C has several types of one size; Python code expects one
        if array.shape != shape:
            memory = current().memory
            if memory is not None:
                size = math.prod(shape) * array.itemsize
                memory.take_once(array if source is None else source, size, shape)
            array = np.broadcast_to(array, shape).copy()
        return array if shape else array[()]

    def empty_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of nested lists without numbers, which lack the sizes after one of 0.

        >>> Expected(shape=(None, 2), dtype=None).empty_shape((0,))
        (0, 2)
        """
        if self.shape is ... or len(shape) >= len(self.shape):
            return shape
        return (*shape, *(size or 0 for size in self.shape[len(shape) :]))

    def target_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of an array after coercion, or raise if `shape` does not fit."""
        if self.shape is ...:
            return shape
        if len(shape) != len(self.shape):
            raise PydanticCustomError(
                "array_dimensionality_mismatch",
                "Array has wrong number of dimensions: got {got}D, expected {expected}D",
                {"got": len(shape), "expected": len(self.shape)},
            )
        return tuple(
            size if wanted is None else self._target_size(size, wanted, shape)
            for size, wanted in zip(shape, self.shape, strict=True)
        )

    def _target_size(self, size: int, wanted: int, shape: tuple[int, ...]) -> int:
        if size == wanted or (size == 1 and not self.strict_shapes):
            return wanted
        raise PydanticCustomError(
            "array_shape_mismatch",
            "Array shape {got} is incompatible with expected shape {expected}"
            + (", and strict_shapes does not broadcast" if size == 1 else ""),
            {"got": str(shape), "expected": str(self.shape)},
        )

    def check_dtype(self, dtype: np.dtype[Any]) -> None:
        """Raise for a data type that is not accepted, whatever the values."""
        if dtype is self.dtype or self.dtype is None:
            return
        dtype = dtype.newbyteorder("=")
        if dtype == self.dtype:
            return
        if not castable(dtype, self.dtype):
            raise dtype_mismatch(dtype, self.dtype)
        if self.strict_types:
            raise PydanticCustomError(
                DTYPE_MISMATCH,
                "Array dtype '{got}' is not '{expected}', and strict_types does not cast",
                {"got": str(dtype), "expected": str(self.dtype)},
            )


def exact_test(expected: Expected) -> Callable[[Any], bool]:
    """Return `expected.holds`, or a faster test for a field of any size in each dimension."""
    shape, dtype = expected.shape, expected.dtype
    if shape is ... or not shape or shape.count(None) < len(shape):
        return expected.holds
    rank = len(shape)
    return lambda value: type(value) is np.ndarray and value.dtype is dtype and value.ndim == rank


def cast(array: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return a copy in another data type, or raise for a value that does not fit."""
    if array.dtype.kind in "iu" and dtype.kind in "iu":
        _check_integer_range(array, dtype)
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype)
    except FloatingPointError:
        raise out_of_range(_first_overflow(array, dtype), dtype) from None


def dtype_mismatch(source: object, target: object) -> PydanticCustomError:
    """Return the error for a data type that cannot be cast."""
    return PydanticCustomError(
        DTYPE_MISMATCH,
        "Array dtype '{got}' cannot be safely cast to '{expected}'",
        {"got": str(source), "expected": str(target)},
    )


def out_of_range(value: object, dtype: np.dtype[Any]) -> PydanticCustomError:
    """Return the error for a number that a data type cannot hold."""
    return PydanticCustomError(
        "array_value_out_of_range",
        "Array values do not fit into dtype '{dtype}' (e.g. {value})",
        {"dtype": str(dtype), "value": number_text(value)},
    )


def non_numeric(reason: str = "contains non-numeric data") -> PydanticCustomError:
    """Return the error for a value that is not an array of numbers."""
    return PydanticCustomError("array_non_numeric", _NON_NUMERIC, {"reason": reason})


def refuse_masked(value: Any) -> None:
    """Raise for a masked array with masked elements, whose mask would be lost."""
    if isinstance(value, np.ndarray) and np.any(getattr(value, "mask", False)):
        raise non_numeric("the array has masked elements: replace them with .filled(value)")


def _check_integer_range(array: AnyArray, dtype: np.dtype[Any]) -> None:
    if not array.size or np.can_cast(array.dtype, dtype, "safe"):
        return
    limits = np.iinfo(dtype)
    for extreme in (int(array.min()), int(array.max())):
        if not limits.min <= extreme <= limits.max:
            raise out_of_range(extreme, dtype)


def _first_overflow(array: AnyArray, dtype: np.dtype[Any]) -> object:
    with np.errstate(all="ignore"):
        result = array.astype(dtype)
    lost = _turned_infinite(array.real, result.real) | _turned_infinite(array.imag, result.imag)
    return array[lost].flat[0].item()


def _turned_infinite(before: AnyArray, after: AnyArray) -> AnyArray:
    return np.isfinite(before) & ~np.isfinite(after)
