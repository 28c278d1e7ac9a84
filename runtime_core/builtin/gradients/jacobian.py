"""The endpoint `jacobian`: derivatives of outputs with respect to inputs, block by block."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.endpoint import GradientEndpoint, bind_gradient
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.gradients import JACOBIAN, shapes_of


class JacobianOutputSchema(RootModel[dict[str, dict[str, GradientArray]]]):
    """The Jacobian, {jac_outputs: {jac_inputs: array}}.

    The shape of each array is (*output.shape, *input.shape).
    """


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian`."""
    return bind_gradient(binding, JACOBIAN, result=JacobianOutputSchema, answer=_answer)


def _answer(endpoint: GradientEndpoint, payload: Any) -> object:
    # Before the call, which may change the inputs.
    inputs = shapes_of(endpoint.expected_inputs(payload))
    outputs = endpoint.expected_outputs(payload)
    return endpoint.check.blocks(endpoint.call(payload), outputs, inputs)
