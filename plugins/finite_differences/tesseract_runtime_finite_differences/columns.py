"""Columns of a Jacobian: how all outputs change with one element of one input."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from runtime_core.contracts import Evaluations
from tesseract_runtime_finite_differences.differences import difference
from tesseract_runtime_finite_differences.points import (
    Arrays,
    ElementPoint,
    Point,
    Values,
    moved,
    values_at,
)
from tesseract_runtime_finite_differences.scheme import Scheme


@dataclass(frozen=True, kw_only=True)
class Column:
    """The derivatives of outputs with respect to the element `index` of the input `path`.

    `derivatives` are in float64 or complex128, `values` are the outputs themselves near the
    inputs; both by output path and of the outputs' shapes.
    """

    path: str
    index: tuple[int, ...]
    derivatives: Arrays
    values: Values


def columns(
    evaluations: Evaluations, inputs: Arrays, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Yield one column for each element of each input, input by input in C order.

    Takes two evaluations a column, or one and the base where the scheme is `forward`.
    """
    return _ALGORITHMS[scheme.algorithm](evaluations, inputs, outputs, scheme)


def _central(
    evaluations: Evaluations, inputs: Arrays, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    both_sides = (
        side
        for upper, lower in zip(
            _neighbours(inputs, scheme, 1), _neighbours(inputs, scheme, -1), strict=True
        )
        for side in (upper, lower)
    )
    found = values_at(evaluations, both_sides, outputs)
    for (upper, above), (lower, below) in zip(found, found, strict=True):
        yield _column(upper, above, below, upper.value - lower.value)


def _forward(
    evaluations: Evaluations, inputs: Arrays, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    ((_, base),) = values_at(evaluations, [Point(changes={})], outputs)
    for upper, above in values_at(evaluations, _neighbours(inputs, scheme, 1), outputs):
        yield _column(upper, above, base, upper.value - upper.base_value)


_ALGORITHMS = MappingProxyType({"central": _central, "forward": _forward})


def _neighbours(inputs: Arrays, scheme: Scheme, sign: int) -> Iterator[ElementPoint]:
    """Yield a point for each element, one step away from it."""
    for path, array in inputs.items():
        shifted = moved(array, sign * scheme.steps(path, array))
        for index in np.ndindex(array.shape):
            changed = array.copy()
            changed[index] = shifted[index]
            yield ElementPoint(changes={path: changed}, path=path, index=index, base=array)


def _column(upper: ElementPoint, above: Values, below: Values, taken: float) -> Column:
    derivatives = {path: change / taken for path, change in difference(above, below, upper).items()}
    return Column(path=upper.path, index=upper.index, derivatives=derivatives, values=above)
