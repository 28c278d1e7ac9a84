"""Logs in loops and threads, of numbers of each kind, and artifacts of files and folders."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Differentiable, Float64
from tesseract_core.runtime.experimental import log_artifact, log_metric, log_parameter


class InputSchema(BaseModel):
    steps: int = 3
    artifact: Literal["file", "folder"] = "file"
    x: Differentiable[Float64] = np.float64(1)


class OutputSchema(BaseModel):
    y: Differentiable[Float64]


def descend(x: float, steps: int, name: str) -> float:
    for step in range(steps):
        x = x / 2
        log_metric(name, x, step=step)
    return x


def apply(inputs: InputSchema) -> OutputSchema:
    log_parameter("steps", inputs.steps)
    log_parameter("kind", "descent")
    log_parameter("bounds", [1, 2.5])
    log_parameter("numbers", np.float32(0.5))
    log_metric("whole", np.int64(3))
    log_metric("no step", 1)
    thread = threading.Thread(target=descend, args=(8.0, 2, "in a thread"))
    thread.start()
    y = descend(inputs.x, inputs.steps, "loss")
    thread.join()
    with TemporaryDirectory() as folder:
        results = Path(folder, "results")
        results.mkdir()
        file = results / "table.csv"
        file.write_text("1,2")
        log_artifact(str(file) if inputs.artifact == "file" else results)
    return OutputSchema(y=y)


def jacobian(inputs, jac_inputs, jac_outputs):
    log_metric("slope", np.float64(0.5) ** inputs.steps)
    return {"y": {"x": np.float64(0.5) ** inputs.steps}}
