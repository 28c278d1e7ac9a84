"""Modules, packages and data beside the file, also for child processes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import scaling
from laws import hooke
from laws.damping import COEFFICIENT
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.config import get_config

HERE = Path(__file__).parent
TABLE = np.loadtxt(HERE / "data" / "table.csv", delimiter=",")


class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    table: Array[(None, None), Float64]
    child: str
    lazily: str
    beside_the_file: list[str]


def apply(inputs: InputSchema) -> OutputSchema:
    import late  # when the file has long been loaded

    code = "import scaling, laws.damping; print(scaling.FACTOR * laws.damping.COEFFICIENT)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return OutputSchema(
        y=scaling.FACTOR * hooke(inputs.x) + COEFFICIENT,
        table=TABLE,
        child=child.stdout.strip(),
        lazily=late.NAME,
        beside_the_file=sorted(path.name for path in get_config().api_path.parent.glob("*.py")),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": scaling.FACTOR * hooke(np.eye(inputs.x.size))}}
