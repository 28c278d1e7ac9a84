"""The endpoint `jacobian`: derivatives of outputs with respect to inputs, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.results import (
    check_keys,
    check_shape,
    declared_shape,
    row_as_declared,
)
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
    payload = binding.schemas.payload(
        "JacobianInputSchema",
        inputs="Jacobian",
        doc="The input data to compute the Jacobian at.",
        jac_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        jac_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
    )

    def answer(payload: Any) -> object:
        rows = function(
            inputs=payload.inputs,
            jac_inputs=set(payload.jac_inputs),
            jac_outputs=set(payload.jac_outputs),
        )
        if not isinstance(rows, Mapping):
            return rows
        return {output: row_as_declared(row, outputs, output) for output, row in rows.items()}

    def check(payload: Any, result: JacobianOutputSchema) -> None:
        check_keys(NAME, result.root, payload.jac_outputs)
        sizes = shapes_of(inputs, payload.inputs)
        for output, row in result.root.items():
            check_keys(f"{NAME} of {output!r}", row, payload.jac_inputs)
            front = declared_shape(outputs, output)
            for path, block in row.items():
                rank = block.ndim - len(sizes[path])
                wanted = front if front is not ... else block.shape[: max(rank, 0)]
                check_shape(f"{NAME} of {output!r} by {path!r}", block, (*wanted, *sizes[path]))
                front = block.shape[:rank]  # the other blocks of the row have the same output

    return BoundEndpoint(
        payload=payload,
        result=JacobianOutputSchema,
        answer=answer,
        check=check,
        doc=function.__doc__ or "",
    )
