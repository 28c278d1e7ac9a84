"""Jacobians of products with one-hot vectors: one column a JVP, one row a VJP."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from typing import Any

from tesseract_runtime_derived_gradients.answers import returned
from tesseract_runtime_derived_gradients.probes import LinearMap, by_path, probe, stacked
from tesseract_runtime_derived_gradients.vectors import Vector, shapes_of, vector_at, zeros

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
    point = vector_at(inputs, jac_inputs)
    jvp = LinearMap(
        beginning=returned(jvp_fn, "jacobian_vector_product"),
        paths=jac_outputs,
        function=lambda tangent: jvp_fn(
            inputs=deepcopy(inputs),
            jvp_inputs=set(jac_inputs),
            jvp_outputs=set(jac_outputs),
            tangent_vector=tangent,
        ),
    )
    answers = list(probe(jvp, point))
    sample = answers[0] if answers else jvp(zeros(point))
    columns = by_path(answers, point)
    return {
        output: {
            path: stacked(
                [answer[output] for answer in columns[path]],
                axis=-1,
                shape=(*like.shape, *point[path].shape),
                dtype=like.dtype,
            )
            for path in point
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
    point = vector_at(inputs, jac_inputs)
    vjp = LinearMap(
        beginning=returned(vjp_fn, "vector_jacobian_product"),
        paths=jac_inputs,
        function=lambda cotangent: vjp_fn(
            inputs=deepcopy(inputs),
            vjp_inputs=set(jac_inputs),
            vjp_outputs=set(values),
            cotangent_vector=cotangent,
        ),
    )
    answers = list(probe(vjp, values, shapes_of(point)))
    sample = answers[0] if answers else point
    rows = by_path(answers, values)
    return {
        output: {
            path: stacked(
                [answer[path] for answer in rows[output]],
                axis=0,
                shape=(*value.shape, *point[path].shape),
                dtype=sample[path].dtype,
            )
            for path in point
        }
        for output, value in values.items()
    }
