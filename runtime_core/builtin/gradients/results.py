"""Holding the results of gradient functions against what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from runtime_core.arrays.coercion import AnyArray, Shape
from runtime_core.arrays.dtypes import DTYPES, castable
from runtime_core.errors import InvalidResult, listed
from runtime_core.schemas.differentiable import DifferentiableArrays


def as_declared(arrays: object, array_type: Callable[[str], Any]) -> object:
    """Return arrays in the data types that their fields declare.

    What is no mapping of paths to arrays is returned as it is, for validation to refuse.
    """
    if not isinstance(arrays, Mapping) or not all(isinstance(path, str) for path in arrays):
        return arrays
    return {path: _cast(array, array_type(path)) for path, array in arrays.items()}


def row_as_declared(row: object, outputs: DifferentiableArrays, output: object) -> object:
    """Return the blocks of one output of a Jacobian in the data type of that output."""
    array_type = outputs.array_type(output) if isinstance(output, str) else None
    return as_declared(row, lambda _: array_type)


def check_keys(function: str, result: Mapping[str, Any], asked: Sequence[str]) -> None:
    """Refuse a result with other keys than those that were asked for."""
    if result.keys() != set(asked):
        raise InvalidResult(
            f"{function} returned the keys {listed(result.keys())}, expected {listed(asked)}."
        )


def check_shape(function: str, array: AnyArray, expected: Shape) -> None:
    """Refuse an array of another shape; `None` in `expected` is any size, `...` any shape."""
    if expected is ...:
        return
    got = np.shape(array)
    same = len(got) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(got, expected, strict=True)
    )
    if not same:
        raise InvalidResult(f"{function} returned an array of shape {got}, expected {expected}.")


def declared_shape(arrays: DifferentiableArrays, path: str) -> Shape:
    """Return what a schema says of the shape at a path."""
    shape: Shape = arrays.array_type(path).expected_shape
    return shape


def _cast(array: Any, array_type: Any) -> Any:
    if array_type is None or not hasattr(array, "__array__"):
        return array
    declared = DTYPES[array_type.expected_dtype]
    array = np.asarray(array)
    return array.astype(declared, copy=False) if castable(array.dtype, declared) else array
