"""Arrays of nested sequences of numbers, as JSON and Python have them, read exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import (
    AnyArray,
    dtype_mismatch,
    non_numeric,
    out_of_range,
    refuse_masked,
)
from runtime_core.errors import number_text

MAX_RANK = 64
"""The most dimensions that numpy can have."""


def from_numbers(value: Any, dtype: np.dtype[Any], *, integral_floats: bool = False) -> AnyArray:
    """Return the array of nested sequences of numbers, or of one number, exactly.

    Floats become integers only when `integral_floats` allows it and no fraction is lost. `None`
    stands for NaN; the strings `"NaN"`, `"Infinity"`, `"-Infinity"` and those of complex numbers
    are read for the kinds that have such values.
    """
    if not _has_text(value):
        array = _as_numpy(value)
        if array.dtype.kind in "biu" or (array.dtype.kind == "f" and dtype.kind in "fc"):
            return array
    return _from_objects(value, dtype, integral_floats=integral_floats)


def _as_numpy(value: Any, dtype: Any = None) -> AnyArray:
    if _depth(value) > MAX_RANK:
        raise non_numeric(f"lists are nested more than {MAX_RANK} deep")
    try:
        return np.array(value, dtype=dtype)
    except (ValueError, TypeError, OverflowError):
        raise non_numeric("nested lists must all have the same lengths") from None


def _has_text(value: Any) -> bool:
    """Test for strings: numpy would give every element the memory of the longest one."""
    if not isinstance(value, list | tuple):
        refuse_masked(value)
        return isinstance(value, str)
    if _PLAIN_NUMBERS.issuperset(map(type, value)):
        return False
    kinds = set(map(type, value))
    if kinds & _LISTS:
        return any(_has_text(item) for item in value)
    if any(issubclass(kind, np.ndarray) for kind in kinds):
        for item in value:
            refuse_masked(item)
    return any(issubclass(kind, str) for kind in kinds)


_PLAIN_NUMBERS = frozenset({int, float, bool})
_LISTS = frozenset({list, tuple})


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list | tuple) and value:
        depth, value = depth + 1, value[0]
    return depth


def _from_objects(value: Any, dtype: np.dtype[Any], *, integral_floats: bool) -> AnyArray:
    """Read element by element values that numpy would round, or read as text."""
    objects = _as_numpy(value, object)
    elements: list[Any] = objects.ravel().tolist()
    if dtype.kind in "iub":
        if integral_floats and dtype.kind != "b":
            _check_whole(elements, objects.shape)
        numbers = _integers(elements, dtype, integral_floats=integral_floats)
    else:
        read = _NUMBERS[dtype.kind]
        numbers = np.array([read(element, dtype) for element in elements])
    return numbers.reshape(objects.shape)


def _integers(elements: Sequence[Any], dtype: np.dtype[Any], *, integral_floats: bool) -> AnyArray:
    numbers = _whole_numbers(elements, dtype, integral_floats=integral_floats)
    try:
        return np.array(numbers, dtype=dtype)
    except OverflowError:
        limits = np.iinfo(dtype)
        wrong = next(n for n in numbers if not limits.min <= n <= limits.max)
        raise out_of_range(wrong, dtype) from None


def _whole_numbers(
    elements: Sequence[Any], dtype: np.dtype[Any], *, integral_floats: bool
) -> list[int]:
    for element in elements:
        if isinstance(element, complex | np.complexfloating):
            raise dtype_mismatch("complex128", dtype)
        if not isinstance(element, int | float | np.integer | np.floating):
            raise non_numeric()
    if dtype.kind == "b":
        return _truths(elements, integral_floats=integral_floats)
    if not integral_floats and any(isinstance(each, float | np.floating) for each in elements):
        raise dtype_mismatch("float64", dtype)
    return [int(element) for element in elements]


def _check_whole(elements: Sequence[Any], shape: tuple[int, ...]) -> None:
    for position, element in enumerate(elements):
        if isinstance(element, float | np.floating) and not float(element).is_integer():
            index = [int(each) for each in np.unravel_index(position, shape)] if shape else []
            raise PydanticCustomError(
                "array_expected_integer",
                "Expected integer data, but array contains floating point values "
                "(e.g. {value}{place})",
                {"value": number_text(element), "place": f" at {index}" if index else ""},
            )


def _truths(elements: Sequence[Any], *, integral_floats: bool) -> list[int]:
    if not integral_floats:
        raise dtype_mismatch("int64", "bool")
    if any(element not in (0, 1) for element in elements):
        raise ValueError("a boolean is true, false, 1 or 0")
    return [int(element) for element in elements]


_FLOAT_WORDS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf, None: np.nan}


def _float(element: Any, dtype: np.dtype[Any]) -> float:
    if isinstance(element, float | int | np.floating | np.integer):
        try:
            return float(element)
        except OverflowError:
            raise out_of_range(element, dtype) from None
    if isinstance(element, complex | np.complexfloating):
        raise dtype_mismatch("complex128", dtype)
    if (element is None or isinstance(element, str)) and element in _FLOAT_WORDS:
        return float(_FLOAT_WORDS[element])
    raise non_numeric()


def _complex(element: Any, dtype: np.dtype[Any]) -> complex:
    if isinstance(element, complex | np.complexfloating):
        return complex(element)
    if isinstance(element, str) and element not in _FLOAT_WORDS:
        try:
            return complex(element)
        except ValueError:
            raise non_numeric() from None
    return complex(_float(element, dtype))


_NUMBERS = {"f": _float, "c": _complex}
