"""Jacobians, column by column."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from tesseract_runtime_finite_differences.columns import columns
from tesseract_runtime_finite_differences.differences import derivative_dtype
from tesseract_runtime_finite_differences.points import (
    AnyArray,
    Arrays,
    Point,
    Values,
    values_at,
)
from tesseract_runtime_finite_differences.scheme import Scheme

Blocks = dict[str, dict[str, AnyArray]]
"""Arrays of shape `(*output.shape, *input.shape)` by output and input."""


def jacobian(
    evaluations: Evaluations, inputs: Arrays, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Return the Jacobian of central or forward differences."""
    blocks: Blocks = {}
    for column in columns(evaluations, inputs, outputs, scheme):
        if not blocks:
            blocks = empty_blocks(column.values, inputs)
        for output, derivative in column.derivatives.items():
            place: Any = (..., *column.index)
            block = blocks[output][column.path]
            refuse_other_shape(output, derivative, block.shape[: block.ndim - len(column.index)])
            block[place] = derivative
    return blocks or _without_columns(evaluations, inputs, outputs)


def empty_blocks(values: Values, inputs: Arrays) -> Blocks:
    """Return blocks to be filled, for outputs that are like `values`."""
    return {
        output: {
            path: np.zeros((*value.shape, *array.shape), derivative_dtype(value.dtype))
            for path, array in inputs.items()
        }
        for output, value in values.items()
    }


def refuse_other_shape(output: str, array: AnyArray, shape: tuple[int, ...]) -> None:
    """Raise `GradientFailed` for outputs whose shape is not the same at all points."""
    if array.shape != shape:
        raise GradientFailed(
            f"apply returns output {output!r} with shape {array.shape} near the inputs, and with "
            f"shape {shape} near them as well: the shape of an output must not depend on a value."
        )


def _without_columns(evaluations: Evaluations, inputs: Arrays, outputs: Collection[str]) -> Blocks:
    """Return blocks for inputs without elements; only apply knows the outputs' shapes."""
    ((_, values),) = values_at(evaluations, [Point(changes={})], outputs)
    return empty_blocks(values, inputs)
