"""The endpoint `vector_jacobian_product`: a cotangent of the outputs times the Jacobian."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.endpoint import GradientEndpoint, bind_gradient
from runtime_core.builtin.gradients.vector_fields import cotangent_field, cotangents_of_shapes
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.gradients import VJP


class VJPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The cotangent times the Jacobian, {vjp_inputs: array}, each of the shape of its input."""


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `vector_jacobian_product`."""
    return bind_gradient(
        binding, VJP, result=VJPOutputSchema, answer=_answer, vector_field=cotangent_field
    )


def _answer(endpoint: GradientEndpoint, payload: Any) -> object:
    # Before the call, which may change the inputs.
    inputs = endpoint.expected_inputs(payload)
    cotangents = cotangents_of_shapes(payload.cotangent_vector, endpoint.shapes, payload.inputs)
    return endpoint.check.vector(endpoint.call(payload, cotangents), inputs)
