"""NaN and infinities, in arrays and in places with and without a type."""

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from tesseract_core.runtime import Array, Float64


class InputSchema(BaseModel):
    x: Array[(None,), Float64]


class OutputSchema(BaseModel):
    model_config = ConfigDict(extra="allow")

    x: Array[(None,), Float64]
    number: float
    anything: Any
    record: dict
    listed: list


def apply(inputs: InputSchema) -> OutputSchema:
    nan, infinity = float("nan"), float("inf")
    return OutputSchema(
        x=np.append(inputs.x, np.nan),
        number=nan,
        anything=[infinity, {"a": np.nan}],
        record={"low": -infinity},
        listed=[nan],
        more=nan,
    )
