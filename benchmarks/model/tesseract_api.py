"""The model of all measurements: it does nothing, so that only the runtime is measured."""

import time

from pydantic import BaseModel

from tesseract_core.runtime import Array, Float64


class InputSchema(BaseModel):
    """A vector, and how long to think about it."""

    x: Array[(None,), Float64]
    seconds: float = 0.0


class OutputSchema(BaseModel):
    """The same vector."""

    y: Array[(None,), Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    """Hand x on, after a busy wait."""
    end = time.monotonic() + inputs.seconds
    while time.monotonic() < end:
        pass
    return OutputSchema(y=inputs.x)
