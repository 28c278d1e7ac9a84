"""The endpoint `jacobian`: derivatives of outputs with respect to inputs, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import RootModel

from runtime_core.arrays.coercion import Shape
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes, Shapes
from runtime_core.builtin.gradients.results import asked_for, derivative
from runtime_core.builtin.gradients.vectors import differentiable, shapes_of
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable

NAME = "jacobian"


class JacobianOutputSchema(RootModel[dict[str, dict[str, GradientArray]]]):
    """The Jacobian, {jac_outputs: {jac_inputs: array}}.

    The shape of each array is (*output.shape, *input.shape).
    """


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian(inputs, jac_inputs, jac_outputs)`."""
    function = binding.function(NAME)
    if isinstance(function, Unavailable):
        return function
    inputs, outputs = differentiable(binding, NAME)
    shapes = OutputShapes(binding)
    payload = binding.schemas.payload(
        "JacobianInputSchema",
        inputs="Jacobian",
        doc="The input data to compute the Jacobian at.",
        jac_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        jac_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
    )

    def answer(payload: Any) -> object:
        sizes = shapes_of(inputs, payload.inputs)  # before the function may change them
        rows = function(
            inputs=payload.inputs,
            jac_inputs=set(payload.jac_inputs),
            jac_outputs=set(payload.jac_outputs),
        )
        rows = asked_for(NAME, rows, payload.jac_outputs)
        return {
            output: _row(rows[output], output, payload, sizes) for output in payload.jac_outputs
        }

    def _row(row: object, output: str, payload: Any, sizes: Shapes) -> dict[str, Any]:
        declared = outputs.declared(output)
        assert declared is not None  # the payload's paths have been checked
        front = shapes.foreseen(payload.inputs, output)
        blocks = {}
        found = asked_for(f"{NAME} of {output!r}", row, payload.jac_inputs)
        for path in payload.jac_inputs:
            front = _front(front, found[path], sizes[path])
            blocks[path] = derivative(
                f"{NAME} of {output!r} by {path!r}",
                found[path],
                shape=(*front, *sizes[path]),
                declared=declared,
            )
            front = blocks[path].shape[: len(front)]  # one output has one shape
        return blocks

    return BoundEndpoint(
        payload=payload,
        result=JacobianOutputSchema,
        answer=answer,
        doc=function.__doc__ or "",
    )


def _front(front: Shape, block: object, size: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return the shape of the output in a block; where it may be any, the block itself tells."""
    if front is not ...:
        return front
    array = np.asarray(block)
    return array.shape[: max(array.ndim - len(size), 0)]
