"""A wave of any length, for the page of a model to show."""

import numpy as np
from pydantic import BaseModel

from runtime_core import Array, Float64


class InputSchema(BaseModel):
    """The number of values."""

    count: int = 1000


class OutputSchema(BaseModel):
    """The wave."""

    values: Array[(None,), Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    """Return a sine."""
    return OutputSchema(values=np.sin(np.arange(inputs.count) / 1e6))
