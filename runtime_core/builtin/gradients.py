"""The gradient endpoints `jacobian` and its products with a vector."""

from __future__ import annotations

from pydantic import RootModel

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.gradients import JACOBIAN, JVP, VJP
from runtime_core.gradients.endpoint import bind_gradient


class JacobianOutputSchema(RootModel[dict[str, dict[str, GradientArray]]]):
    """The Jacobian, {jac_outputs: {jac_inputs: array}}.

    The shape of each array is (*output.shape, *input.shape).
    """


class JVPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The Jacobian times the tangent, {jvp_outputs: array}, each of the shape of its output."""


class VJPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The cotangent times the Jacobian, {vjp_inputs: array}, each of the shape of its input."""


def bind_jacobian(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian`."""
    return bind_gradient(binding, JACOBIAN, result=JacobianOutputSchema)


def bind_jvp(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `jacobian_vector_product`."""
    return bind_gradient(binding, JVP, result=JVPOutputSchema)


def bind_vjp(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `vector_jacobian_product`."""
    return bind_gradient(binding, VJP, result=VJPOutputSchema)
