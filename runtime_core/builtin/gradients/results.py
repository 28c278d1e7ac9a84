"""Holding the results of gradient functions against what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import NUMERIC_KINDS, AnyArray, Expected, Shape
from runtime_core.calls.faults import summary
from runtime_core.errors import InvalidResult, listed, shortened


def asked_for(function: str, result: object, asked: Sequence[str]) -> Mapping[str, Any]:
    """Return a result if it is a dict with exactly the keys that were asked for."""
    if not isinstance(result, Mapping):
        raise InvalidResult(
            f"{function} returned {summary(result)}, expected a dict with the keys {listed(asked)}."
        )
    if result.keys() != set(asked):
        keys = listed([shortened(str(key)) for key in result])
        raise InvalidResult(f"{function} returned the keys {keys}, expected {listed(asked)}.")
    return result


def derivative(
    function: str, value: object, *, shape: Shape, declared: Expected
) -> AnyArray | np.generic:
    """Return an array of the declared data type, if it has the shape that it must have.

    `None` in `shape` is any size, `...` any shape.
    """
    array = _array(function, value)
    _check_shape(function, array.shape, shape)
    try:
        return Expected(shape=..., dtype=declared.dtype).coerce(array)
    except PydanticCustomError as error:
        raise InvalidResult(f"{function}: {error.message()}.") from None


def _array(function: str, value: object) -> AnyArray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in NUMERIC_KINDS:
        raise InvalidResult(f"{function} returned {summary(value)}, expected an array of numbers.")
    return array


def _check_shape(function: str, got: tuple[int, ...], expected: Shape) -> None:
    if expected is ...:
        return
    same = len(got) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(got, expected, strict=True)
    )
    if not same:
        raise InvalidResult(f"{function} returned an array of shape {got}, expected {expected}.")
