"""The model of most studies: its own work is small, and it makes one array."""

from pydantic import BaseModel

from tesseract_core.runtime import Array, Float64


class InputSchema(BaseModel):
    """A vector."""

    x: Array[(None,), Float64]


class OutputSchema(BaseModel):
    """A vector."""

    y: Array[(None,), Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    """Double x."""
    return OutputSchema(y=2 * inputs.x)
