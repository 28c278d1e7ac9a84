"""The endpoint hessian_vector_product does what all endpoints must do."""

from __future__ import annotations

from runtime_core.testing import EndpointConformance

CUBE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

gradient_backend = "auto"

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def apply(inputs):
    return OutputSchema(y=(inputs.x**3).sum())

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"x": 3 * inputs.x**2 * cotangent_vector["y"]}
"""


class TestHessianVectorProduct(EndpointConformance):
    """The endpoint, by differences of a file's own gradient."""

    endpoint = "hessian_vector_product"
    source = CUBE
    payload = """{
        "inputs": {"x": [1.0, 2.0]},
        "hvp_inputs": ["x"],
        "hvp_outputs": ["y"],
        "cotangent_vector": {"y": 1.0},
        "tangent_vector": {"x": [1.0, 0.0]}
    }"""
