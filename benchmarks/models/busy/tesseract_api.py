"""A model that computes for a while in Python and keeps the interpreter locked."""

import time

from pydantic import BaseModel


class InputSchema(BaseModel):
    """How long to compute."""

    seconds: float


class OutputSchema(BaseModel):
    """The same time."""

    seconds: float


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute for that time."""
    end = time.monotonic() + inputs.seconds
    while time.monotonic() < end:
        pass
    return OutputSchema(seconds=inputs.seconds)
