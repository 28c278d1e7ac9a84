"""Gradients derived from one another, for authors of a `tesseract_api.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from functools import reduce
from typing import Any

import numpy as np

from runtime_core.arrays import ShapeDType
from runtime_core.gradients import (
    JACOBIAN,
    JVP,
    VJP,
    Vector,
    argument_check,
    expected_shapes,
    join,
    shapes_of,
    split,
    vector_at,
    zeros,
)
from runtime_core.paths import get, parse, replace
from tesseract_runtime_finite_differences.derived.compressed import compressed_jacobian
from tesseract_runtime_finite_differences.derived.gradient_function import GradientFunction
from tesseract_runtime_finite_differences.sparsity import Sparsity, is_sparse

Jacobian = dict[str, dict[str, Any]]


def jacobian_from_jvp(
    jvp_fn: Callable[..., Any],
    inputs: Any,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
    *,
    sparsity: Sparsity | None = None,
    sparsity_check: bool = True,
) -> Jacobian:
    """Compute a Jacobian by calling a JVP with one-hot tangents.

    It takes one call for each element of the inputs; the first result has the shapes of the
    outputs. Each call gets copies of the inputs, which it may change, and a tangent with all of
    `jac_inputs`.

    Args:
        jvp_fn: The function, called like an author's `jacobian_vector_product`.
        inputs: The inputs to differentiate at, an instance of the author's `InputSchema`.
        jac_inputs: Paths of the inputs to differentiate with respect to.
        jac_outputs: Paths of the outputs to differentiate.
        sparsity: `{output: {input: pattern}}`, as in `finite_difference_jacobian`: tangents are 1
            at all elements that share no row, and there is one more along a random direction.
        sparsity_check: Compare the change along that direction with the result.

    Returns:
        `{output path: {input path: array}}`, each array of shape `(*output.shape, *input.shape)`
        and of the data type that `jvp_fn` returns.

    Raises:
        GradientFailed: `jvp_fn` returned other keys or shapes than requested, or the sparsity is
            wrong.

    Example:
        >>> def double(inputs, jvp_inputs, jvp_outputs, tangent_vector):
        ...     return {"y": 2 * tangent_vector["x"]}
        >>> jacobian_from_jvp(double, {"x": np.ones(2)}, {"x"}, {"y"})["y"]["x"]
        array([[2., 0.],
               [0., 2.]])
    """
    jvp = GradientFunction(jvp_fn, JVP, inputs, jac_inputs, jac_outputs)
    point = vector_at(inputs, jac_inputs)
    if sparsity is not None and is_sparse(sparsity, jac_inputs, jac_outputs):
        return compressed_jacobian(jvp, point, sparsity, checked=sparsity_check)
    products = jvp.products(point)
    columns = split(products, point)
    sample = products[0] if products else jvp.product(zeros(point))
    return {
        output: {
            path: join(
                [column[output] for column in columns[path]],
                axis=-1,
                shape=(*like.shape, *array.shape),
                dtype=like.dtype,
            )
            for path, array in point.items()
        }
        for output, like in sample.items()
    }


def jacobian_from_vjp(
    vjp_fn: Callable[..., Any],
    eval_fn: Callable[[Any], Any],
    inputs: Any,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
) -> Jacobian:
    """Compute a Jacobian by calling a VJP with one-hot cotangents.

    It takes one call for each element of the outputs, and one of `eval_fn` for their shapes and
    data types: an author's `apply`, or `abstract_eval`, which gets the inputs with their values.
    `vjp_fn` is called like an author's `vector_jacobian_product`. Each call gets copies of the
    inputs, which it may change, and a cotangent with all of `jac_outputs`. The blocks have the data
    type of their output if it can represent them. All else is as in `jacobian_from_jvp`.

    Example:
        >>> def double(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
        ...     return {"x": 2 * cotangent_vector["y"]}
        >>> evaluate = lambda inputs: {"y": 2 * inputs["x"]}
        >>> jacobian_from_vjp(double, evaluate, {"x": np.ones(2)}, {"x"}, {"y"})["y"]["x"]
        array([[2., 0.],
               [0., 2.]])
    """
    outputs = eval_fn(deepcopy(inputs))
    abstract = {path: _zeros_of(get(outputs, parse(path))) for path in jac_outputs}
    changes = {parse(path): array for path, array in abstract.items() if array is not None}
    values = vector_at(replace(outputs, changes), jac_outputs)
    return jacobian_by_rows(vjp_fn, values, inputs, jac_inputs)


def _zeros_of(leaf: Any) -> Any:
    """Return an array of the shape and data type of an abstract output, or `None` of another."""
    if not isinstance(leaf, ShapeDType | Mapping):
        return None
    spec = ShapeDType.model_validate(leaf)
    return np.zeros(spec.shape, spec.dtype)


def jacobian_by_rows(
    vjp_fn: Callable[..., Any], values: Vector, inputs: Any, jac_inputs: Collection[str]
) -> Jacobian:
    """Compute a Jacobian as `jacobian_from_vjp` does, of outputs whose `values` are known."""
    vjp = GradientFunction(vjp_fn, VJP, inputs, jac_inputs, values.keys())
    point = vector_at(inputs, jac_inputs)
    products = vjp.products(values, shapes_of(point))
    rows = split(products, values)
    sample = products[0] if products else point
    return {
        output: {
            path: _in_dtype(
                join(
                    [row[path] for row in rows[output]],
                    axis=0,
                    shape=(*value.shape, *array.shape),
                    dtype=sample[path].dtype,
                ),
                value.dtype,
            )
            for path, array in point.items()
        }
        for output, value in values.items()
    }


def jvp_from_jacobian(
    jacobian_fn: Callable[..., Any],
    inputs: Any,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> dict[str, Any]:
    """Multiply the whole Jacobian by a tangent, J @ t, or by each tangent of a batch.

    `jacobian_fn` is called like an author's `jacobian`, and `tangent_vector` has an array of the
    shape of the input for each of `jvp_inputs`. The result has an array of the shape of the output
    for each of `jvp_outputs`, of the data type of the Jacobian.

    Raises `GradientFailed` if `jacobian_fn` returned other keys or shapes than requested, or the
    tangent does not fit the inputs.

    Example:
        >>> def jacobian(inputs, jac_inputs, jac_outputs):
        ...     return {"y": {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}}
        >>> jvp_from_jacobian(jacobian, {"x": np.ones(2)}, {"x"}, {"y"}, {"x": [1.0, 0.0]})
        {'y': array([1., 3.])}
    """
    any_shape = dict.fromkeys(sorted(jvp_outputs), ...)
    expected = expected_shapes(shapes_of(vector_at(inputs, jvp_inputs)), batch)
    tangent = argument_check("tangent").vector(tangent_vector, expected)
    jacobian = GradientFunction(jacobian_fn, JACOBIAN, inputs, jvp_inputs, jvp_outputs)
    return {
        output: _sum(
            (_columns_times(row[path], array, batch) for path, array in tangent.items()),
            row.values(),
        )
        for output, row in jacobian.blocks(any_shape).items()
    }


def _columns_times(block: Any, tangent: Any, batch: int | None) -> Any:
    """Multiply a block by tangents, in the shape of its output after the axis of a batch."""
    axis = () if batch is None else (batch,)
    rank = tangent.ndim - len(axis)
    shape = block.shape[: block.ndim - rank]
    columns = math.prod(block.shape[block.ndim - rank :])
    rows = tangent.reshape(batch or 1, columns)
    return (rows @ block.reshape(math.prod(shape), columns).T).reshape((*axis, *shape))


def vjp_from_jacobian(
    jacobian_fn: Callable[..., Any],
    inputs: Any,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> dict[str, Any]:
    """Multiply a cotangent, or each of a batch, by the whole Jacobian, v^T @ J.

    Nothing is conjugated.

    `jacobian_fn` is called like an author's `jacobian`, and `cotangent_vector` has an array of the
    shape of the output for each of `vjp_outputs`. The result has an array of the shape of the input
    for each of `vjp_inputs`, of the data type of the Jacobian.

    Raises `GradientFailed` if `jacobian_fn` returned other keys or shapes than requested, or the
    cotangent does not fit the outputs.

    Example:
        >>> def jacobian(inputs, jac_inputs, jac_outputs):
        ...     return {"y": {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}}
        >>> vjp_from_jacobian(jacobian, {"x": np.ones(2)}, {"x"}, {"y"}, {"y": [1.0, 0.0]})
        {'x': array([1., 2.])}
    """
    expected = expected_shapes(dict.fromkeys(sorted(vjp_outputs), ...))
    cotangent = argument_check("cotangent").vector(cotangent_vector, expected)
    jacobian = GradientFunction(jacobian_fn, JACOBIAN, inputs, vjp_inputs, vjp_outputs)
    shapes = shapes_of(cotangent)
    if batch is not None:
        argument_check("cotangent").check_batch(cotangent, batch)
        shapes = {path: shape[1:] for path, shape in shapes.items()}
    blocks = jacobian.blocks(shapes)
    return {
        path: _sum(
            (
                _rows_times(array, blocks[output][path], len(shapes[output]), batch)
                for output, array in cotangent.items()
            ),
            [row[path] for row in blocks.values()],
        )
        for path in sorted(vjp_inputs)
    }


def _rows_times(cotangent: Any, block: Any, rank: int, batch: int | None) -> Any:
    """Multiply cotangents by a block, in the shape of its input after the axis of a batch."""
    axis = () if batch is None else (batch,)
    shape = block.shape[rank:]
    rows = math.prod(block.shape[:rank])
    vectors = cotangent.reshape(batch or 1, rows)
    return (vectors @ block.reshape(rows, math.prod(shape))).reshape((*axis, *shape))


def _sum(products: Iterable[Any], blocks: Iterable[Any]) -> Any:
    """Sum products, in the data type of their blocks if it can represent the sum."""
    total = np.asarray(reduce(np.add, products))
    return _in_dtype(total, np.result_type(*(block.dtype for block in blocks)))


def _in_dtype(array: Any, dtype: np.dtype[Any]) -> Any:
    fits = np.can_cast(array.dtype, dtype, casting="same_kind")
    return (array.astype(dtype) if fits else array)[()]
