"""Evaluations of `apply` at points near the inputs, and the differences between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import Point, Vector, evaluate_all, to_double
from runtime_core.paths import get, parse

P = TypeVar("P", bound=Point)


@dataclass(frozen=True, kw_only=True)
class ElementPoint(Point):
    """A point at which the element `index` of the input `path` has another value."""

    path: str
    index: tuple[int, ...]
    value: float


def element_point(path: str, index: tuple[int, ...], base: AnyArray, value: Any) -> ElementPoint:
    """Make the point at which one element of an array has a value."""
    changed = base.copy()
    changed[index] = value
    return ElementPoint(
        changes={path: changed},
        place=f"where input {where(path, index)} is changed from {base[index]} to {value}",
        path=path,
        index=index,
        value=float(value),
    )


def base_point() -> Point:
    """Make the point of the unchanged inputs."""
    return Point(changes={}, place="at the inputs themselves")


def moved_point(inputs: Vector, steps: Vector, direction: str) -> Point:
    """Make the point at which inputs have taken their steps along a direction."""
    paths = ", ".join(map(repr, steps))
    return Point(
        changes={path: moved(inputs[path], step) for path, step in steps.items()},
        place=f"where {paths} are moved along {direction}",
    )


def where(path: str, index: tuple[int, ...]) -> str:
    """Format the place of an element for a message.

    >>> where("x", (2, 0))
    "'x' at index (2, 0)"
    """
    return f"{path!r} at index {tuple(map(int, index))}" if index else repr(path)


def variables(inputs: object, paths: Collection[str]) -> dict[str, AnyArray]:
    """Copy the arrays to differentiate with respect to, sorted by path.

    Raises `GradientFailed` for an array that is not of finite floating point numbers.
    """
    return {path: _variable(get(inputs, parse(path)), path) for path in sorted(paths)}


def moved(array: AnyArray, steps: AnyArray) -> AnyArray:
    """Add steps to elements, rounded to their data type."""
    with np.errstate(over="ignore"):
        return np.asarray(array + steps).astype(array.dtype)


def values_at(
    evaluations: Evaluations,
    points: Iterable[P],
    outputs: Collection[str],
    total: int | None = None,
) -> Iterator[tuple[P, Vector]]:
    """Yield points, of which there are `total`, with their outputs, in order.

    Raises `GradientFailed` for outputs that are not finite or change their shape.
    """
    first: tuple[P, Vector] | None = None
    for point, values in evaluate_all(evaluations, points, outputs, total=total):
        first = first or (point, values)
        _refuse_non_finite(values, point)
        _refuse_other_shape(values, point, *first)
        yield point, values


def values_at_base(evaluations: Evaluations, outputs: Collection[str]) -> Vector:
    """Evaluate at the inputs themselves; raises `GradientFailed` as `values_at` does."""
    ((_, values),) = values_at(evaluations, [base_point()], outputs)
    return values


def difference(above: Vector, below: Vector) -> Vector:
    """Subtract outputs in float64 or complex128."""
    return {path: to_double(value) - to_double(below[path]) for path, value in above.items()}


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
            f"Input {where(path, index)} is {array[index]}: no finite difference exists there."
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
                "no finite difference exists."
            )


def _refuse_other_shape(values: Vector, point: Point, first: Point, expected: Vector) -> None:
    for path, array in values.items():
        if array.shape != expected[path].shape:
            raise GradientFailed(
                f"apply returns output {path!r} with shape {array.shape} {point.place}, and with "
                f"shape {expected[path].shape} {first.place}: the shape of an output must not "
                "depend on a value."
            )
