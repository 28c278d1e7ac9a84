"""The backends finite-differences and derived do what all gradient backends must do."""

from __future__ import annotations

from runtime_core.testing import GradientBackendConformance

SQUARE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    return OutputSchema(y=inputs.x**2)

def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": np.diag(2 * inputs.x)}}
"""
"""A Tesseract with a Jacobian, which products are derived from."""


class TestFiniteDifferences(GradientBackendConformance):
    """The backend finite-differences."""

    backend = "finite-differences"


class TestDerived(GradientBackendConformance):
    """The backend derived."""

    backend = "derived"
    source = SQUARE
    inputs = '{"x": [1.0, -2.0, 0.5]}'
