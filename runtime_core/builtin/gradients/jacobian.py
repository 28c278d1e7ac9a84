"""The endpoint `jacobian`: derivatives of outputs with respect to inputs, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import RootModel

from runtime_core.arrays.coercion import Shape
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes, Shapes
from runtime_core.builtin.gradients.results import asked_for, derivative
from runtime_core.builtin.gradients.vectors import differentiable, shapes_of
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.schemas.differentiable import DifferentiableArrays

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
    payload = binding.schemas.payload(
        "JacobianInputSchema",
        inputs="Jacobian",
        doc="The input data to compute the Jacobian at.",
        jac_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        jac_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
    )
    jacobian = CheckedJacobian(
        function=function, inputs=inputs, outputs=outputs, shapes=OutputShapes(binding)
    )
    return BoundEndpoint(
        payload=payload,
        result=JacobianOutputSchema,
        answer=jacobian.answer,
        doc=function.__doc__ or "",
    )


@dataclass(frozen=True, kw_only=True)
class CheckedJacobian:
    """An author's `jacobian` whose blocks are held against the shapes of inputs and outputs."""

    function: Callable[..., object]
    inputs: DifferentiableArrays
    outputs: DifferentiableArrays
    shapes: OutputShapes

    def answer(self, payload: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the blocks by output and input; `InvalidResult` for any other answer."""
        sizes = shapes_of(self.inputs, payload.inputs)  # before the function may change them
        fronts = {
            output: self.shapes.foreseen(payload.inputs, output) for output in payload.jac_outputs
        }
        rows = self.function(
            inputs=payload.inputs,
            jac_inputs=set(payload.jac_inputs),
            jac_outputs=set(payload.jac_outputs),
        )
        found = asked_for(NAME, rows, payload.jac_outputs)
        return {
            output: self._row(
                output, found[output], front, {p: sizes[p] for p in payload.jac_inputs}
            )
            for output, front in fronts.items()
        }

    def _row(self, output: str, row: object, front: Shape, sizes: Shapes) -> dict[str, Any]:
        """Return the blocks of one output, whose shape `front` begins all of theirs."""
        declared = self.outputs.declared(output)
        assert declared is not None  # the payload's paths have been checked
        found = asked_for(f"{NAME} of {output!r}", row, list(sizes))
        blocks = {}
        for path, size in sizes.items():
            front = _front(front, found[path], size)
            blocks[path] = derivative(
                f"{NAME} of {output!r} by {path!r}",
                found[path],
                shape=(*front, *size),
                declared=declared,
            )
            front = blocks[path].shape[: len(front)]  # one output has one shape
        return blocks


def _front(front: Shape, block: object, size: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return the shape of the output in a block; where it may be any, the block itself tells."""
    if front is not ...:
        return front
    array = np.asarray(block)
    return array.shape[: max(array.ndim - len(size), 0)]
