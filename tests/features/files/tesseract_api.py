"""Files as inputs and outputs, one by one, in lists, in dicts and in models of their own."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import (
    InputPath,
    LazySequence,
    OutputPath,
    require_file,
)

CONSTANTS = require_file("constants.txt")


def is_csv(path: Path) -> Path:
    if path.suffix != ".csv":
        raise ValueError(f"{path.name} is not a table")
    return path


class Reading(BaseModel):
    time: float
    values: Array[(None,), Float64]


class InputSchema(BaseModel):
    table: Annotated[InputPath, AfterValidator(is_csv)]
    more: list[InputPath] = []
    keyed: dict[str, InputPath] = {}
    readings: LazySequence[Reading]
    scale: Differentiable[Float64] = np.float64(1)


class Report(BaseModel):
    path: OutputPath


class OutputSchema(BaseModel):
    total: Differentiable[Float64]
    path: OutputPath
    paths: list[OutputPath]
    keyed: dict[str, OutputPath]
    report: Report
    names: list[str]
    times: list[float]
    is_inside: bool


def apply(inputs: InputSchema) -> OutputSchema:
    folder = Path(get_config().output_path)
    paths = [folder / f"part{number}.txt" for number in range(2)]
    for path in paths:
        path.write_text("written")
    table = np.loadtxt(inputs.table, delimiter=",") * float(CONSTANTS.read_text())
    return OutputSchema(
        total=inputs.scale
        * (table.sum() + sum(reading.values.sum() for reading in inputs.readings)),
        path=paths[0],
        paths=paths,
        keyed={"a.b": paths[1]},
        report=Report(path=paths[1]),
        names=[path.name for path in [inputs.table, *inputs.more, *inputs.keyed.values()]],
        times=[inputs.readings[index].time for index in range(len(inputs.readings))],
        is_inside=all(path.is_relative_to(get_config().input_path) for path in inputs.more),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"total": {"scale": apply(inputs).total / inputs.scale}}
