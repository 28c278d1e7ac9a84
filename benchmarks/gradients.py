"""The cost of a gradient beyond its evaluations."""

from __future__ import annotations

import subprocess

from benchmarks.sides import Side

_JACOBIAN = """
import time
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import finite_difference_jacobian

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    total: Differentiable[Float64]
    sines: Differentiable[Array[(None,), Float64]]
    halves: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    x = inputs.x
    return OutputSchema(total=x.sum(), sines=np.sin(x), halves=0.5 * x)

inputs = InputSchema(x=np.linspace(1.0, 2.0, 400))
outputs = {"total", "sines", "halves"}
seconds = []
for _ in range(4):
    start = time.perf_counter()
    finite_difference_jacobian(apply, inputs, {"x"}, outputs)
    seconds.append(time.perf_counter() - start)
print(min(seconds[1:]))
"""


def finite_differences(side: Side) -> float:
    """Return the seconds of a central Jacobian of 400 inputs and 3 outputs."""
    ended = subprocess.run(
        [str(side.python), "-c", _JACOBIAN], check=True, capture_output=True, text=True
    )
    return float(ended.stdout)
