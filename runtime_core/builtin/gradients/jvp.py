"""The endpoint `jacobian_vector_product`: the change of outputs along a tangent."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.endpoint import GradientEndpoint, bind_gradient
from runtime_core.builtin.gradients.vector_fields import tangent_field
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.gradients import JVP


class JVPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The Jacobian times the tangent, {jvp_outputs: array}, each of the shape of its output."""


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian_vector_product`."""
    return bind_gradient(
        binding, JVP, result=JVPOutputSchema, answer=_answer, vector_field=tangent_field
    )


def _answer(endpoint: GradientEndpoint, payload: Any) -> object:
    # Before the call, which may change the inputs.
    outputs = endpoint.expected_outputs(payload)
    return endpoint.check.vector(endpoint.call(payload, payload.tangent_vector), outputs)
