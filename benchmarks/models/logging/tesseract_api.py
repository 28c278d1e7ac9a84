"""A model that logs numbers and reports how long that takes."""

import time

from pydantic import BaseModel

from tesseract_core.runtime.experimental import log_metric


class InputSchema(BaseModel):
    """How many numbers to log."""

    count: int


class OutputSchema(BaseModel):
    """The time of each."""

    microseconds: float


def apply(inputs: InputSchema) -> OutputSchema:
    """Log as many numbers."""
    start = time.perf_counter()
    for step in range(inputs.count):
        log_metric("loss", 1.0 / (step + 1))
    return OutputSchema(microseconds=1e6 * (time.perf_counter() - start) / inputs.count)
