"""Evaluations of `apply` at points near the inputs, and the differences between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import Vector, evaluate_in_order, to_double
from runtime_core.paths import get, parse


@dataclass(frozen=True, kw_only=True)
class Point:
    """Inputs that differ from the base in some arrays."""

    changes: Vector

    @property
    def place(self) -> str:
        """What is changed, as the end of a sentence."""
        return "at the inputs as they are"


@dataclass(frozen=True, kw_only=True)
class ElementPoint(Point):
    """Inputs in which one element of one array has another value."""

    path: str
    index: tuple[int, ...]
    base: AnyArray

    @property
    def place(self) -> str:
        """The element that is changed, with both values."""
        before, after = self.base[self.index], self.changes[self.path][self.index]
        return f"where input {where(self.path, self.index)} is changed from {before} to {after}"

    @property
    def value(self) -> float:
        """The value of the element here."""
        return float(self.changes[self.path][self.index])

    @property
    def base_value(self) -> float:
        """The value of the element in the base."""
        return float(self.base[self.index])


@dataclass(frozen=True, kw_only=True)
class DirectionPoint(Point):
    """Inputs that have moved along a direction."""

    direction: str

    @property
    def place(self) -> str:
        """The inputs that have moved."""
        paths = ", ".join(map(repr, self.changes))
        return f"where {paths} are moved along {self.direction}"


P = TypeVar("P", bound=Point)


def where(path: str, index: tuple[int, ...]) -> str:
    """Return the place of an element, as messages name it.

    >>> where("x", (2, 0))
    "'x' at index (2, 0)"
    """
    return f"{path!r} at index {tuple(map(int, index))}" if index else repr(path)


def variables(inputs: object, paths: Collection[str]) -> dict[str, AnyArray]:
    """Return copies of the arrays to differentiate by, in the order of their paths.

    Raises `GradientFailed` for an array that is not of finite floating point numbers.
    """
    return {path: _variable(get(inputs, parse(path)), path) for path in sorted(paths)}


def moved(array: AnyArray, steps: AnyArray) -> AnyArray:
    """Return elements after their steps, rounded to their data type."""
    with np.errstate(over="ignore"):
        return np.asarray(array + steps).astype(array.dtype)


def values_at(
    evaluations: Evaluations, points: Iterable[P], outputs: Collection[str]
) -> Iterator[tuple[P, Vector]]:
    """Evaluate at points, and yield each with its outputs in the order of the points.

    Raises `GradientFailed` for outputs that are not finite, or not of the same shape everywhere.
    """
    first: tuple[P, Vector] | None = None
    for point, values in evaluate_in_order(evaluations, points, outputs):
        first = first or (point, values)
        _refuse_non_finite(values, point)
        _refuse_other_shape(values, point, *first)
        yield point, values


def difference(above: Vector, below: Vector) -> Vector:
    """Return the difference of each output, in float64 or complex128."""
    return {path: to_double(value) - to_double(below[path]) for path, value in above.items()}


def derivative_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the data type of the derivatives of an output of some data type."""
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _variable(leaf: Any, path: str) -> AnyArray:
    array = np.array(leaf)
    if array.dtype.kind != "f":
        raise GradientFailed(
            f"Input {path!r} has the data type {array.dtype}: finite differences need real "
            "floating point."
        )
    index = _non_finite(array)
    if index is not None:
        raise GradientFailed(
            f"Input {where(path, index)} is {array[index]}: there is no finite difference at it."
        )
    return array


def _non_finite(array: AnyArray) -> tuple[int, ...] | None:
    """Return the index of the first element that is infinite or NaN, if there is one."""
    finite = np.isfinite(array)
    return None if finite.all() else tuple(np.argwhere(~finite)[0])


def _refuse_non_finite(values: Vector, point: Point) -> None:
    for path, array in values.items():
        index = _non_finite(array)
        if index is not None:
            raise GradientFailed(
                f"apply returns {array[index]} for output {where(path, index)} {point.place}, so "
                "that there is no finite difference."
            )


def _refuse_other_shape(values: Vector, point: Point, first: Point, expected: Vector) -> None:
    for path, array in values.items():
        if array.shape != expected[path].shape:
            raise GradientFailed(
                f"apply returns output {path!r} with shape {array.shape} {point.place}, and with "
                f"shape {expected[path].shape} {first.place}: the shape of an output must not "
                "depend on a value."
            )
