"""Jacobians and vector-Jacobian products by central or forward differences, column by column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import Vector, argument_check
from tesseract_runtime_finite_differences.evaluation import (
    ElementPoint,
    Point,
    derivative_dtype,
    difference,
    moved,
    values_at,
)
from tesseract_runtime_finite_differences.scheme import Scheme

Blocks = dict[str, dict[str, AnyArray]]
"""Arrays of shape `(*output.shape, *input.shape)` by output and input."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """The derivatives of outputs with respect to the element `index` of the input `path`.

    `derivatives` are in float64 or complex128, `values` are the outputs near the inputs; both by
    output path and of the outputs' shapes.
    """

    path: str
    index: tuple[int, ...]
    derivatives: Vector
    values: Vector


def jacobian(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Compute the Jacobian by central or forward differences."""
    blocks: Blocks = {}
    for column in _columns(evaluations, inputs, outputs, scheme):
        blocks = blocks or empty_blocks(column.values, inputs)
        for output, derivative in column.derivatives.items():
            place: Any = (..., *column.index)
            blocks[output][column.path][place] = derivative
    return blocks or _without_columns(evaluations, inputs, outputs)


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Vector, cotangents: Vector, scheme: Scheme
) -> dict[str, AnyArray]:
    """Multiply a cotangent by the Jacobian, of which no more than a column is ever held.

    Each array has the shape and data type of its input.
    """
    products = {path: np.zeros_like(array) for path, array in inputs.items()}
    for column in _columns(evaluations, inputs, sorted(cotangents), scheme):
        products[column.path][column.index] = contracted(cotangents, column.derivatives)
    return products


def empty_blocks(values: Vector, inputs: Vector) -> Blocks:
    """Return blocks of zeros for outputs that are like `values`."""
    return {
        output: {
            path: np.zeros((*value.shape, *array.shape), derivative_dtype(value.dtype))
            for path, array in inputs.items()
        }
        for output, value in values.items()
    }


def contracted(cotangents: Vector, derivatives: Vector) -> float:
    """Return the sum over all outputs of cotangent times derivative.

    Of complex outputs it is the real part, because the inputs are real. Raises `GradientFailed`
    for a cotangent that does not have the shape of its output.
    """
    return sum(_product(path, cotangents[path], array) for path, array in derivatives.items())


def _product(path: str, cotangent: AnyArray, derivative: AnyArray) -> float:
    if cotangent.shape != derivative.shape:
        argument_check("cotangent").of(path).check_shape(cotangent.shape, derivative.shape)
    return float(np.real(np.vdot(np.conj(cotangent), derivative)))


def _columns(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Yield a column for each element of each input, input by input in C order."""
    return _ALGORITHMS[scheme.algorithm](evaluations, inputs, outputs, scheme)


def _central(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Take two evaluations a column."""
    found = values_at(evaluations, _neighbours(inputs, scheme, (1, -1)), outputs)
    for (upper, above), (lower, below) in zip(found, found, strict=True):
        yield _column(upper, above, below, upper.value - lower.value)


def _forward(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Take one evaluation a column, and one of the base."""
    points: Iterator[Any] = chain([Point(changes={})], _neighbours(inputs, scheme, (1,)))
    found = values_at(evaluations, points, outputs)
    _, base = next(found)
    for upper, above in found:
        yield _column(upper, above, base, upper.value - upper.base_value)


_ALGORITHMS: Mapping[str, Callable[..., Iterator[Column]]] = MappingProxyType(
    {"central": _central, "forward": _forward}
)


def _neighbours(inputs: Vector, scheme: Scheme, signs: Collection[int]) -> Iterator[ElementPoint]:
    """Yield the points one step away from each element, in the directions of some signs."""
    for path, array in inputs.items():
        steps = scheme.steps(path, array)
        shifted = [moved(array, sign * steps) for sign in signs]
        for index in np.ndindex(array.shape):
            for values in shifted:
                changed = array.copy()
                changed[index] = values[index]
                yield ElementPoint(changes={path: changed}, path=path, index=index, base=array)


def _column(upper: ElementPoint, above: Vector, below: Vector, taken: float) -> Column:
    derivatives = {path: change / taken for path, change in difference(above, below).items()}
    return Column(path=upper.path, index=upper.index, derivatives=derivatives, values=above)


def _without_columns(evaluations: Evaluations, inputs: Vector, outputs: Collection[str]) -> Blocks:
    """Return blocks for inputs without elements; only `apply` knows the outputs' shapes."""
    ((_, values),) = values_at(evaluations, [Point(changes={})], outputs)
    return empty_blocks(values, inputs)
