"""The endpoint `vector_jacobian_product`: a cotangent of the outputs carried back to the inputs."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.builtin.gradients.results import asked_for, derivative
from runtime_core.builtin.gradients.vectors import (
    cotangent_field,
    cotangents_of_shapes,
    differentiable,
    expected_of,
)
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable

NAME = "vector_jacobian_product"


class VJPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The cotangent times the Jacobian, {vjp_inputs: array}, each of the shape of its input."""


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's function of the same name."""
    function = binding.function(NAME)
    if isinstance(function, Unavailable):
        return function
    inputs, outputs = differentiable(binding, NAME)
    shapes = OutputShapes(binding)
    payload = binding.schemas.payload(
        "VJPInputSchema",
        inputs="Vjp",
        doc="The input data to compute the VJP at.",
        vjp_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        vjp_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
        cotangent_vector=cotangent_field(outputs),
    )

    def answer(payload: Any) -> object:
        expected = expected_of(inputs, payload.inputs)  # before the function may change them
        products = function(
            inputs=payload.inputs,
            vjp_inputs=set(payload.vjp_inputs),
            vjp_outputs=set(payload.vjp_outputs),
            cotangent_vector=cotangents_of_shapes(payload.cotangent_vector, shapes, payload.inputs),
        )
        found = asked_for(NAME, products, payload.vjp_inputs)
        return {
            path: derivative(
                f"{NAME} of {path!r}",
                found[path],
                shape=expected[path].shape,
                declared=expected[path],
            )
            for path in payload.vjp_inputs
        }

    return BoundEndpoint(
        payload=payload,
        result=VJPOutputSchema,
        answer=answer,
        doc=function.__doc__ or "",
    )
