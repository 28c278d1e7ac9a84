"""The functions that derive one gradient from another, for authors of a `tesseract_api.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from functools import reduce
from typing import Any

import numpy as np

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
from tesseract_runtime_finite_differences.derived.gradient_function import GradientFunction

Jacobian = dict[str, dict[str, Any]]


def jacobian_from_jvp(
    jvp_fn: Callable[..., Any],
    inputs: Any,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
) -> Jacobian:
    """Compute a Jacobian by calling a JVP with one-hot tangents.

    It takes one call for each element of the inputs; the first answer tells the shapes of the
    outputs. `jvp_fn` is called as an author's `jacobian_vector_product` is, each time with inputs
    and tangents of its own, so that it may change them; a tangent has all of `jac_inputs`.

    Args:
        jvp_fn: The function that multiplies the Jacobian by a tangent.
        inputs: Where to differentiate: an instance of the author's `InputSchema`.
        jac_inputs: Paths of the inputs to differentiate with respect to.
        jac_outputs: Paths of the outputs to differentiate.

    Returns:
        `{output path: {input path: array}}`, each array of shape `(*output.shape, *input.shape)`
        and of the data type that `jvp_fn` returns.

    Raises:
        GradientFailed: `jvp_fn` returned something else than was asked for.

    Example:
        >>> def double(inputs, jvp_inputs, jvp_outputs, tangent_vector):
        ...     return {"y": 2 * tangent_vector["x"]}
        >>> jacobian_from_jvp(double, {"x": np.ones(2)}, {"x"}, {"y"})["y"]["x"]
        array([[2., 0.],
               [0., 2.]])
    """
    jvp = GradientFunction(jvp_fn, JVP, inputs, jac_inputs, jac_outputs)
    point = vector_at(inputs, jac_inputs)
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

    It takes one call for each element of the outputs, and one of `eval_fn` for their shapes.
    `vjp_fn` is called as an author's `vector_jacobian_product` is, each time with inputs and
    cotangents of its own, so that it may change them; a cotangent has all of `jac_outputs`.

    Args:
        vjp_fn: The function that multiplies a cotangent by the Jacobian.
        eval_fn: The function that computes the outputs, such as an author's `apply`.
        inputs: Where to differentiate: an instance of the author's `InputSchema`.
        jac_inputs: Paths of the inputs to differentiate with respect to.
        jac_outputs: Paths of the outputs to differentiate.

    Returns:
        `{output path: {input path: array}}`, each array of shape `(*output.shape, *input.shape)`
        and of the data type that `vjp_fn` returns.

    Raises:
        GradientFailed: `vjp_fn` returned something else than was asked for.

    Example:
        >>> def double(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
        ...     return {"x": 2 * cotangent_vector["y"]}
        >>> def evaluate(inputs):
        ...     return {"y": 2 * inputs["x"]}
        >>> jacobian_from_vjp(double, evaluate, {"x": np.ones(2)}, {"x"}, {"y"})["y"]["x"]
        array([[2., 0.],
               [0., 2.]])
    """
    values = vector_at(eval_fn(deepcopy(inputs)), jac_outputs)
    return jacobian_by_rows(vjp_fn, values, inputs, jac_inputs)


def jacobian_by_rows(
    vjp_fn: Callable[..., Any], values: Vector, inputs: Any, jac_inputs: Collection[str]
) -> Jacobian:
    """Compute a Jacobian as `jacobian_from_vjp` does, where the outputs are known already.

    `values` holds the array at each path of the outputs to differentiate.
    """
    vjp = GradientFunction(vjp_fn, VJP, inputs, jac_inputs, values.keys())
    point = vector_at(inputs, jac_inputs)
    products = vjp.products(values, shapes_of(point))
    rows = split(products, values)
    sample = products[0] if products else point
    return {
        output: {
            path: join(
                [row[path] for row in rows[output]],
                axis=0,
                shape=(*value.shape, *array.shape),
                dtype=sample[path].dtype,
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
    any_shape = dict.fromkeys(sorted(jvp_outputs), ...)
    expected = expected_shapes(shapes_of(vector_at(inputs, jvp_inputs)))
    tangent = argument_check("tangent").vector(tangent_vector, expected)
    jacobian = GradientFunction(jacobian_fn, JACOBIAN, inputs, jvp_inputs, jvp_outputs)
    return {
        output: _sum(
            (np.tensordot(row[path], array, axes=array.ndim) for path, array in tangent.items()),
            row.values(),
        )
        for output, row in jacobian.blocks(any_shape).items()
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
    expected = expected_shapes(dict.fromkeys(sorted(vjp_outputs), ...))
    cotangent = argument_check("cotangent").vector(cotangent_vector, expected)
    jacobian = GradientFunction(jacobian_fn, JACOBIAN, inputs, vjp_inputs, vjp_outputs)
    blocks = jacobian.blocks(shapes_of(cotangent))
    return {
        path: _sum(
            (
                np.tensordot(array, blocks[output][path], axes=array.ndim)
                for output, array in cotangent.items()
            ),
            [row[path] for row in blocks.values()],
        )
        for path in sorted(vjp_inputs)
    }


def _sum(products: Iterable[Any], blocks: Iterable[Any]) -> Any:
    """Add up products, in the data type of their blocks if it can hold the sum."""
    total = np.asarray(reduce(np.add, products))
    dtype = np.result_type(*(block.dtype for block in blocks))
    fits = np.can_cast(total.dtype, dtype, casting="same_kind")
    return (total.astype(dtype) if fits else total)[()]
