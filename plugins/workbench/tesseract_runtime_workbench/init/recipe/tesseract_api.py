"""A damped oscillator, with a Jacobian written by hand.

Replace these schemas and functions by your own.
"""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64, ShapeDType

gradient_backend = "auto"  # computes the gradients that this file does not define


class InputSchema(BaseModel):
    """The oscillator and the times of interest."""

    time: Differentiable[Array[(None,), Float64]] = Field(description="Times in s.")
    frequency: Differentiable[Float64] = Field(description="Angular frequency in rad/s.")
    damping: Differentiable[Float64] = Field(description="Damping rate in 1/s.")


class OutputSchema(BaseModel):
    """The motion of the oscillator."""

    displacement: Differentiable[Array[(None,), Float64]] = Field(
        description="Displacement at each time, relative to that at time 0."
    )


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute the motion of a damped oscillator."""
    decay = np.exp(-inputs.damping * inputs.time)
    return OutputSchema(displacement=decay * np.cos(inputs.frequency * inputs.time))


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]) -> Any:
    """Compute the derivative of the displacement by each input.

    Without this function it is computed by finite differences.
    """
    decay = np.exp(-inputs.damping * inputs.time)
    cosine = decay * np.cos(inputs.frequency * inputs.time)
    sine = decay * np.sin(inputs.frequency * inputs.time)
    blocks = {
        "time": np.diag(-inputs.damping * cosine - inputs.frequency * sine),
        "frequency": -inputs.time * sine,
        "damping": -inputs.time * cosine,
    }
    return {"displacement": {name: blocks[name] for name in jac_inputs}}


def abstract_eval(abstract_inputs: InputSchema) -> Any:
    """Return the shape of the displacement, which is that of the times."""
    return {"displacement": ShapeDType(shape=abstract_inputs.time.shape, dtype="float64")}
