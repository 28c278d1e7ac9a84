"""A Tesseract to differentiate on clusters, and what their processes leave behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import local_runtime
from tests.patience import wait_until

SOURCE = """
import os, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    notes: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    if inputs.notes:
        Path(inputs.notes, f"{os.getpid()}").touch()
        time.sleep(0.05)
    return OutputSchema(y=np.sin(inputs.x) * inputs.x.sum())
"""

Make = Callable[..., Runtime]


@pytest.fixture
def made(catalog: Catalog, tesseract: Callable[..., Path], tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes a runtime with gradients by finite differences."""
    runtimes = []

    def make(executor: str, source: str = SOURCE, **flags: Any) -> Runtime:
        flags = {"executor": executor, "output_path": str(tmp_path), **flags}
        flags |= {"api_path": str(tesseract(source)), "gradient_backend": "finite-differences"}
        runtimes.append(local_runtime(catalog, resolve(catalog, flags=flags, environment={})))
        return runtimes[-1]

    yield make
    for runtime in runtimes:
        runtime.executor.close()


def jacobian(runtime: Runtime, elements: int = 20, **inputs: Any) -> bytes:
    """Return the bytes of a Jacobian by finite differences."""
    payload = {"inputs": {"x": np.linspace(1, 2, elements), **inputs}}
    result: Any = runtime.call("jacobian", {**payload, "jac_inputs": ["x"], "jac_outputs": ["y"]})
    block: bytes = result.root["y"]["x"].tobytes()
    return block


def killed(notes: Path, *, most: int) -> None:
    """Kill the first processes that have noted an evaluation."""
    for _ in range(most):
        wait_until(lambda: alive(notes))
        process = alive(notes)[0]
        process.kill()
        (notes / str(process.pid)).unlink()


def alive(notes: Path) -> list[psutil.Process]:
    """Return the processes that have noted an evaluation and run."""
    numbers = [int(path.name) for path in notes.iterdir()]
    return [psutil.Process(pid) for pid in numbers if psutil.pid_exists(pid)]


def children() -> list[psutil.Process]:
    """Return the processes that this one has started and that run."""
    found = psutil.Process().children(recursive=True)
    running = [each for each in found if each.status() != psutil.STATUS_ZOMBIE]
    # That of multiprocessing ends with this process.
    return [each for each in running if "resource_tracker" not in " ".join(each.cmdline())]
