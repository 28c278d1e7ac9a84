"""The endpoint `hessian_vector_product`."""

from __future__ import annotations

from pydantic import RootModel

from runtime_core.arrays import GradientArray
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.gradients import HVP, bind_gradient


class HVPOutputSchema(RootModel[dict[str, GradientArray]]):
    """The Hessian times the tangent, {hvp_inputs: array}, each of the shape of its input.

    The Hessian is that of the sum of the outputs, weighted by the cotangent.
    """


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `hessian_vector_product`."""
    return bind_gradient(binding, HVP, result=HVPOutputSchema)
