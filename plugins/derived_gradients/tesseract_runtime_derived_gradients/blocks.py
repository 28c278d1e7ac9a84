"""The blocks of a Jacobian that an author's function returns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from typing import Any

from tesseract_runtime_derived_gradients.answers import array_from, check_shape, keyed, returned
from tesseract_runtime_derived_gradients.vectors import AnyArray, Shape, shapes_of, vector_at

Blocks = Mapping[str, Mapping[str, AnyArray]]


def blocks_of(
    jacobian_fn: Callable[..., Any],
    inputs: Any,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
    shapes: Mapping[str, Shape] | None = None,
) -> Blocks:
    """Return the blocks by output and input, each of shape `(*output.shape, *input.shape)`.

    The shapes of the outputs are the given ones, or else follow from the blocks. Raises
    `GradientFailed` for any other answer.
    """
    sizes = shapes_of(vector_at(inputs, jac_inputs))
    beginning = returned(jacobian_fn, "jacobian")
    answer = jacobian_fn(
        inputs=deepcopy(inputs), jac_inputs=set(jac_inputs), jac_outputs=set(jac_outputs)
    )
    rows = keyed(beginning, answer, jac_outputs)
    return {
        output: _row(beginning, output, rows[output], sizes, (shapes or {}).get(output))
        for output in sorted(rows)
    }


def _row(
    beginning: str, output: str, row: Any, sizes: Mapping[str, Shape], shape: Shape | None
) -> Mapping[str, AnyArray]:
    """Return the blocks of one output, whose `shape` begins all of theirs."""
    found = keyed(f"{beginning} for {output!r}", row, sizes)
    blocks = {}
    for path, size in sizes.items():
        place = f"{output!r} by {path!r}"
        block = array_from(beginning, place, found[path])
        if shape is None:
            shape = block.shape[: max(block.ndim - len(size), 0)]
        check_shape(beginning, place, block.shape, (*shape, *size))
        blocks[path] = block
    return blocks
