"""Products of vectors with the whole Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from tesseract_runtime_derived_gradients.answers import array_from, check_shape, keyed
from tesseract_runtime_derived_gradients.blocks import blocks_of
from tesseract_runtime_derived_gradients.vectors import (
    AnyArray,
    Vector,
    shapes_of,
    unboxed,
    vector_at,
)


def jvp_from_jacobian(
    jacobian_fn: Callable[..., Any],
    inputs: Any,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
) -> dict[str, Any]:
    """Multiply the whole Jacobian by a tangent, J @ t.

    Args:
        jacobian_fn: The function that computes the Jacobian, called as an author's `jacobian` is.
        inputs: Where to differentiate: an instance of the author's `InputSchema`.
        jvp_inputs: Paths of the inputs to differentiate with respect to.
        jvp_outputs: Paths of the outputs to differentiate.
        tangent_vector: An array of the shape of its input for each of `jvp_inputs`.

    Returns:
        An array of the shape of its output for each of `jvp_outputs`, of the data type of the
        Jacobian.

    Raises:
        GradientFailed: `jacobian_fn` returned something else than was asked for, or the tangent
            does not fit the inputs.

    Example:
        >>> def jacobian(inputs, jac_inputs, jac_outputs):
        ...     return {"y": {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}}
        >>> jvp_from_jacobian(jacobian, {"x": np.ones(2)}, {"x"}, {"y"}, {"x": [1.0, 0.0]})
        {'y': array([1., 3.])}
    """
    tangent = _vector("The tangent has", tangent_vector, jvp_inputs)
    sizes = shapes_of(vector_at(inputs, jvp_inputs))
    for path, array in tangent.items():
        check_shape("The tangent has", repr(path), array.shape, sizes[path])
    blocks = blocks_of(jacobian_fn, inputs, jvp_inputs, jvp_outputs)
    return {
        output: _total(
            (np.tensordot(row[path], array, axes=array.ndim) for path, array in tangent.items()),
            row.values(),
        )
        for output, row in blocks.items()
    }


def vjp_from_jacobian(
    jacobian_fn: Callable[..., Any],
    inputs: Any,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
) -> dict[str, Any]:
    """Multiply a cotangent by the whole Jacobian, v^T @ J; nothing is conjugated.

    Args:
        jacobian_fn: The function that computes the Jacobian, called as an author's `jacobian` is.
        inputs: Where to differentiate: an instance of the author's `InputSchema`.
        vjp_inputs: Paths of the inputs to differentiate with respect to.
        vjp_outputs: Paths of the outputs to differentiate.
        cotangent_vector: An array of the shape of its output for each of `vjp_outputs`.

    Returns:
        An array of the shape of its input for each of `vjp_inputs`, of the data type of the
        Jacobian.

    Raises:
        GradientFailed: `jacobian_fn` returned something else than was asked for, or blocks that
            do not fit the cotangent.

    Example:
        >>> def jacobian(inputs, jac_inputs, jac_outputs):
        ...     return {"y": {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}}
        >>> vjp_from_jacobian(jacobian, {"x": np.ones(2)}, {"x"}, {"y"}, {"y": [1.0, 0.0]})
        {'x': array([1., 2.])}
    """
    cotangent = _vector("The cotangent has", cotangent_vector, vjp_outputs)
    blocks = blocks_of(jacobian_fn, inputs, vjp_inputs, vjp_outputs, shapes_of(cotangent))
    return {
        path: _total(
            (
                np.tensordot(array, blocks[output][path], axes=array.ndim)
                for output, array in cotangent.items()
            ),
            [row[path] for row in blocks.values()],
        )
        for path in sorted(vjp_inputs)
    }


def _vector(beginning: str, vector: Mapping[str, Any], asked: Collection[str]) -> Vector:
    found = keyed(beginning, vector, asked)
    return {path: array_from(beginning, repr(path), found[path]) for path in sorted(found)}


def _total(products: Iterable[AnyArray], blocks: Iterable[AnyArray]) -> Any:
    """Add products up, in the data type of the blocks that they are of if it can hold the sum."""
    total = np.asarray(reduce(np.add, products))
    dtype = np.result_type(*(block.dtype for block in blocks))
    fits = np.can_cast(total.dtype, dtype, casting="same_kind")
    return unboxed(total.astype(dtype) if fits else total)
