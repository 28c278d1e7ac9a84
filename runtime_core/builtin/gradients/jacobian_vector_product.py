"""The endpoint `jacobian_vector_product`: how outputs change along a tangent of the inputs."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.builtin.gradients.results import asked_for, derivative
from runtime_core.builtin.gradients.vectors import declared_of, differentiable, tangent_field
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable

NAME = "jacobian_vector_product"


class JVPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The Jacobian times the tangent, {jvp_outputs: array}, each of the shape of its output."""


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's function of the same name."""
    function = binding.function(NAME)
    if isinstance(function, Unavailable):
        return function
    inputs, outputs = differentiable(binding, NAME)
    shapes = OutputShapes(binding)
    payload = binding.schemas.payload(
        "JVPInputSchema",
        inputs="Jvp",
        doc="The input data to compute the JVP at.",
        jvp_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        jvp_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
        tangent_vector=tangent_field(inputs),
    )

    def answer(payload: Any) -> object:
        declared = declared_of(outputs, payload.jvp_outputs)
        expected = {path: shapes.foreseen(payload.inputs, path) for path in payload.jvp_outputs}
        products = function(
            inputs=payload.inputs,
            jvp_inputs=set(payload.jvp_inputs),
            jvp_outputs=set(payload.jvp_outputs),
            tangent_vector=payload.tangent_vector,
        )
        found = asked_for(NAME, products, payload.jvp_outputs)
        return {
            path: derivative(
                f"{NAME} of {path!r}", found[path], shape=expected[path], declared=declared[path]
            )
            for path in payload.jvp_outputs
        }

    return BoundEndpoint(
        payload=payload,
        result=JVPOutputSchema,
        answer=answer,
        doc=function.__doc__ or "",
    )
