"""The endpoint `jacobian_vector_product`: how outputs change along a tangent of the inputs."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.results import (
    as_declared,
    check_keys,
    check_shape,
    declared_shape,
)
from runtime_core.builtin.gradients.vectors import differentiable, tangent_field
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
    payload = binding.schemas.payload(
        "JVPInputSchema",
        inputs="Jvp",
        doc="The input data to compute the JVP at.",
        jvp_inputs=inputs.paths_of_inputs("Inputs to differentiate with respect to."),
        jvp_outputs=outputs.paths_of_outputs("Outputs to differentiate."),
        tangent_vector=tangent_field(inputs),
    )

    def answer(payload: Any) -> object:
        products = function(
            inputs=payload.inputs,
            jvp_inputs=set(payload.jvp_inputs),
            jvp_outputs=set(payload.jvp_outputs),
            tangent_vector=payload.tangent_vector,
        )
        return as_declared(products, outputs.array_type)

    def check(payload: Any, result: JVPOutputSchema) -> None:
        check_keys(NAME, result.root, payload.jvp_outputs)
        for path, product in result.root.items():
            check_shape(f"{NAME} of {path!r}", product, declared_shape(outputs, path))

    return BoundEndpoint(
        payload=payload,
        result=JVPOutputSchema,
        answer=answer,
        check=check,
        doc=function.__doc__ or "",
    )
