"""Arrays that are in files when they are returned."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import BinrefArray, BinrefWriter


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]


class OutputSchema(BaseModel):
    solved: Array[(None, 2), Float64]
    written: Differentiable[Array[(None,), Float64]]
    many: list[Array[(None,), Float64]]


def apply(inputs: InputSchema) -> OutputSchema:
    path = Path(get_config().output_path, "field.bin")
    np.arange(4.0).tofile(path)
    writer = BinrefWriter()
    return OutputSchema(
        solved=BinrefArray.from_file("field.bin", shape=(2, 2), dtype="float64"),
        written=BinrefArray.write(2 * inputs.x),
        many=[writer.write(inputs.x), writer.write(-inputs.x)],
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"written": {"x": BinrefArray.write(2 * np.eye(inputs.x.size))}}
