"""Jacobians and vector-Jacobian products by central or forward differences, column by column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import (
    Vector,
    argument_check,
    bytes_of,
    require_memory,
    size_of,
    to_double,
)
from tesseract_runtime_finite_differences.evaluation import (
    ElementPoint,
    base_point,
    difference,
    element_point,
    moved,
    values_at,
    values_at_base,
)
from tesseract_runtime_finite_differences.scheme import Scheme

Blocks = dict[str, dict[str, AnyArray]]
"""Arrays of shape `(*output.shape, *input.shape)` by output and input, in double precision."""


Column = tuple[ElementPoint, Vector, Vector]
"""The point of an element, the derivatives by it in float64 or complex128, and the outputs."""


def jacobian(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Compute the Jacobian by central or forward differences."""
    blocks: Blocks = {}
    columns = _ALGORITHMS[scheme.algorithm](evaluations, inputs, outputs, scheme)
    for point, derivatives, values in columns:
        blocks = blocks or empty_blocks(values, inputs)
        place: Any = (..., *point.index)
        for output, derivative in derivatives.items():
            blocks[output][point.path][place] = derivative
    # Without elements there are no columns, and only an evaluation gives the shapes.
    return finished(blocks or empty_blocks(values_at_base(evaluations, outputs), inputs))


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Vector, cotangents: Vector, scheme: Scheme
) -> dict[str, AnyArray]:
    """Multiply a batch of cotangents by the Jacobian, in memory for one column of it.

    Each array has the data type of its input, and its shape after the axis of the batch.
    """
    products = products_like(inputs, cotangents)
    columns = _ALGORITHMS[scheme.algorithm](evaluations, inputs, sorted(cotangents), scheme)
    for point, derivatives, _ in columns:
        place: Any = (slice(None), *point.index)
        products[point.path][place] = contracted(cotangents, derivatives)
    return products


def products_like(inputs: Vector, cotangents: Vector) -> dict[str, AnyArray]:
    """Return zeros for the products of a batch of cotangents."""
    batch = len(next(iter(cotangents.values())))
    return {path: np.zeros((batch, *a.shape), a.dtype) for path, a in inputs.items()}


def empty_blocks(values: Vector, inputs: Vector) -> Blocks:
    """Return blocks of zeros for outputs that are like `values`.

    Raises `MemoryExceeded` for a Jacobian of more bytes than the memory limit.
    """
    rows = {path: to_double(value) for path, value in values.items()}
    require_memory(bytes_of(rows) * size_of(inputs), "The Jacobian")
    return {
        output: {
            path: np.zeros((*value.shape, *array.shape), value.dtype)
            for path, array in inputs.items()
        }
        for output, value in rows.items()
    }


def finished(blocks: Blocks) -> Blocks:
    """Return blocks of which those of rank 0 are numpy scalars."""
    return {
        output: {path: block[()] for path, block in row.items()} for output, row in blocks.items()
    }


def contracted(cotangents: Vector, derivatives: Vector) -> Any:
    """Sum cotangent times derivative over all outputs, for each cotangent of a batch.

    Of complex outputs it is the real part. Raises `GradientFailed` for cotangents that do not have
    the shape of their output.
    """
    return sum(_products(path, cotangents[path], array) for path, array in derivatives.items())


def _products(path: str, cotangents: AnyArray, derivative: AnyArray) -> AnyArray:
    batch, *shape = cotangents.shape
    argument_check("cotangent").of(path).check_shape((*shape,), derivative.shape)
    return np.asarray(np.real(cotangents.reshape(batch, derivative.size) @ derivative.ravel()))


def _central(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Take two evaluations a column."""
    found = values_at(
        evaluations, _neighbours(inputs, scheme, (1, -1)), outputs, 2 * size_of(inputs)
    )
    for (upper, above), (lower, below) in zip(found, found, strict=True):
        yield upper, _slopes(above, below, upper.value - lower.value), above


def _forward(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Column]:
    """Take one evaluation a column, and one of the base."""
    points: Iterator[Any] = chain([base_point()], _neighbours(inputs, scheme, (1,)))
    found = values_at(evaluations, points, outputs, 1 + size_of(inputs))
    _, base = next(found)
    for upper, above in found:
        taken = upper.value - float(inputs[upper.path][upper.index])
        yield upper, _slopes(above, base, taken), above


_ALGORITHMS: Mapping[str, Callable[..., Iterator[Column]]] = MappingProxyType(
    {"central": _central, "forward": _forward}
)
"""Generators of a column for each element of each input, input by input in C order."""


def _neighbours(inputs: Vector, scheme: Scheme, signs: Collection[int]) -> Iterator[ElementPoint]:
    """Yield the points one step away from each element, in the directions of some signs."""
    for path, array in inputs.items():
        steps = scheme.steps(path, array)
        shifted = [moved(array, sign * steps) for sign in signs]
        for index in np.ndindex(array.shape):
            for values in shifted:
                yield element_point(path, index, array, values[index])


def _slopes(above: Vector, below: Vector, taken: float) -> Vector:
    return {path: change / taken for path, change in difference(above, below).items()}
