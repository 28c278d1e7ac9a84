"""The break of a dam, computed by a program in C that reads and writes files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Float64
from tesseract_core.runtime.experimental import OutputPath, run_directory

PROGRAM = Path(__file__).with_name("dam_break")
COMPILE = f"cc -O2 -o {PROGRAM.name} {PROGRAM.name}.c -lm"


class InputSchema(BaseModel):
    """The dam stands at x = 0, in the middle of the channel, and goes at once."""

    upstream: float = Field(description="Depth behind the dam in m.", gt=0, le=1000)
    downstream: float = Field(default=0.0, description="Depth before it in m.", ge=0, le=1000)
    length: float = Field(default=2000.0, description="Length of the channel in m.", gt=0)
    time: float = Field(description="Time since the break in s.", ge=0)
    cells: int = Field(default=1000, description="Cells of the grid.", ge=2, le=100_000)


class OutputSchema(BaseModel):
    """The water at that time; n is the number of cells."""

    x: Array[(None,), Float64] = Field(description="Centres of the cells in m, shape (n,).")
    depth: Array[(None,), Float64] = Field(description="Depth of the water in m, shape (n,).")
    velocity: Array[(None,), Float64] = Field(description="Its velocity in m/s, shape (n,).")
    table: OutputPath = Field(description="The file that the program has written.")


def setup() -> None:
    """Refuse to start without the program."""
    if not PROGRAM.exists():
        raise FileNotFoundError(f"There is no {PROGRAM}. In its folder run: {COMPILE}")


def apply(inputs: InputSchema) -> OutputSchema:
    """Write the program's input, run it in the folder of this call, and read its output."""
    folder = run_directory()
    numbers = [inputs.upstream, inputs.downstream, inputs.length, inputs.time, inputs.cells]
    (folder / "input.txt").write_text(" ".join(map(str, numbers)) + "\n")
    done = subprocess.run([PROGRAM], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"dam_break ended with {done.returncode}")
    table = folder / "output.csv"
    x, depth, velocity = np.loadtxt(table, delimiter=",", skiprows=1, unpack=True)
    return OutputSchema(x=x, depth=depth, velocity=velocity, table=table)
