"""Products of the Jacobian with a tangent: differences along one direction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import Point, Vector
from tesseract_runtime_finite_differences.evaluation import (
    base_point,
    difference,
    moved_point,
    values_at,
)
from tesseract_runtime_finite_differences.scheme import Scheme, smallest_steps

_Found = tuple[Point, Vector]
"""A point with its outputs."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Inputs that move together by one step, in units of the tangent."""

    paths: Sequence[str]
    step: float


def jacobian_vector_products(
    evaluations: Evaluations,
    inputs: Vector,
    outputs: Collection[str],
    tangents: Sequence[Vector],
    scheme: Scheme,
) -> Iterator[dict[str, AnyArray]]:
    """Multiply the Jacobian by tangents; each array has the shape and type of its output.

    Takes two evaluations a tangent: on both sides, or on one side and once at the base if the
    scheme is `forward`. Inputs on which the step of the others would have no effect take as many of
    their own.
    """
    sides = _SIDES[scheme.algorithm]
    groups = [_groups(inputs, tangent, scheme) for tangent in tangents]
    total = len(sides) * sum(map(len, groups)) + (len(sides) == 1)
    points = _points(inputs, tangents, groups, sides)
    pairs = _pairs(values_at(evaluations, points, outputs, total), sides)
    for tangent, own in zip(tangents, groups, strict=True):
        yield _product(inputs, tangent, [(group, *next(pairs)) for group in own])


def _pairs(found: Iterator[_Found], sides: Collection[float]) -> Iterator[tuple[_Found, _Found]]:
    """Yield both sides of each difference; the lower one is the base if there is one side only."""
    base = next(found) if len(sides) == 1 else None
    for upper in found:
        yield upper, base or next(found)


def _product(
    inputs: Vector, tangent: Vector, parts: Sequence[tuple[Group, _Found, _Found]]
) -> dict[str, AnyArray]:
    """Sum the derivatives along the parts of a tangent, one for each group."""
    totals: dict[str, AnyArray] = {}
    dtypes = {}
    for group, (upper, above), (lower, below) in parts:
        taken = _taken(upper, {**inputs, **lower.changes}, tangent) or group.step
        for path, change in difference(above, below).items():
            totals[path] = totals.get(path, 0.0) + change / taken
            dtypes[path] = above[path].dtype
    return {path: _rounded(total, dtypes[path]) for path, total in totals.items()}


def _rounded(total: AnyArray, output: np.dtype[Any]) -> Any:
    """Return derivatives in the data type of their output, if that is not one of integers."""
    array = np.asarray(total)
    return (array.astype(output) if output.kind in "fc" else array)[()]


_SIDES: Mapping[str, Sequence[float]] = MappingProxyType(
    {"central": (1.0, -1.0), "forward": (1.0,), "stochastic": (1.0, -1.0)}
)
"""The positions of the evaluations, in steps; `stochastic` would gain nothing here."""


def _points(
    inputs: Vector,
    tangents: Sequence[Vector],
    groups: Sequence[Sequence[Group]],
    sides: Sequence[float],
) -> Iterator[Point]:
    if len(sides) == 1:
        yield base_point()
    for tangent, own in zip(tangents, groups, strict=True):
        for group in own:
            for side in sides:
                steps = {path: side * group.step * tangent[path] for path in group.paths}
                yield moved_point(inputs, steps, "the tangent")


def _groups(inputs: Vector, tangents: Vector, scheme: Scheme) -> Sequence[Group]:
    """Group the inputs by a common step; most often there is one group."""
    steps = {
        path: _step_of(path, array, tangents[path], scheme)
        for path, array in inputs.items()
        if tangents[path].any()
    }
    groups: list[Group] = []
    for path in sorted(steps, key=lambda path: (steps[path], path)):
        smallest = _smallest_step(inputs[path], tangents[path])
        if groups and groups[-1].step >= smallest:
            groups[-1] = Group(paths=[*groups[-1].paths, path], step=groups[-1].step)
        else:
            groups.append(Group(paths=[path], step=max(steps[path], smallest)))
    return groups or [Group(paths=[], step=1.0)]


def _step_of(path: str, array: AnyArray, tangent: AnyArray, scheme: Scheme) -> float:
    """Return the step of an input; an automatic one is weighted by the speeds of elements."""
    step = scheme.step(path)
    if step != "auto":
        return float(step)
    speed = float(np.max(np.abs(tangent)))
    unit = tangent / speed
    size = float(np.max(np.abs(unit * array.astype(np.float64))))
    length = np.linalg.norm(unit * array / size) * size if size else np.linalg.norm(unit)
    return float(scheme.relative_step(array.dtype) * length / np.linalg.norm(unit * unit) / speed)


def _smallest_step(array: AnyArray, tangent: AnyArray) -> float:
    """Return the smallest step that changes an input in its data type."""
    speed = float(np.max(np.abs(tangent)))
    return float(np.max(smallest_steps(array) * np.abs(tangent / speed)) / speed)


def _taken(upper: Point, lower: Vector, tangents: Vector) -> float:
    """Return the mean step along the tangent after rounding, weighted by the precision of each."""
    steps, certain = [np.zeros(1)], [np.zeros(1)]
    for path, above in upper.changes.items():
        below, moving = lower[path], tangents[path] != 0
        taken = (above.astype(np.float64) - below.astype(np.float64))[moving]
        spacing = np.spacing(np.maximum(np.abs(above), np.abs(below))).astype(np.float64)[moving]
        steps.append(taken / tangents[path][moving])
        certain.append(np.abs(taken / spacing))
    most = max(float(np.max(array, initial=0.0)) for array in certain)
    weights = (np.concatenate(certain) / (most or 1.0)) ** 2
    return float(np.dot(weights, np.concatenate(steps)) / (np.sum(weights) or 1.0))
