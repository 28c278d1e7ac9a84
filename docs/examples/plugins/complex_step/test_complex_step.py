"""The backend computes derivatives to the last digits."""

import numpy as np

from runtime_core.testing import GradientBackendConformance

SINE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Float64]

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def apply(inputs):
    return OutputSchema(y=np.exp(inputs.x) / np.sqrt(np.sin(inputs.x) ** 3 + np.cos(inputs.x) ** 3))
"""


class TestComplexStep(GradientBackendConformance):
    backend = "complex-step"


def test_derivative_is_exact(runtime):
    """The function of Squire and Trapp, where central differences have 10 digits."""
    served = runtime(SINE, gradient_backend="complex-step")
    asked = {"inputs": {"x": 1.5}, "jvp_inputs": ["x"], "jvp_outputs": ["y"]}
    found = served.call("jacobian_vector_product", {**asked, "tangent_vector": {"x": 1.0}})
    np.testing.assert_allclose(found.root["y"], 4.05342789389862, rtol=1e-14)
