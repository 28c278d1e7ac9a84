"""The progress of a command that takes long, in a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tests.patience import SECONDS

SLOW = """
import time
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    time.sleep(0.6)
    print("applied")
    return {"y": inputs.x**2}
"""


PRODUCT = """
def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    time.sleep(0.6)
    return {"y": 2 * inputs.x * tangent_vector["x"]}
"""

DIFFERENCES = ["--gradient-backend", "finite-differences", "--executor"]


@pytest.mark.parametrize(
    ("options", "size", "steps"),
    [
        ([*DIFFERENCES, "serial"], 4, "evaluations of apply: [1-8] of 8"),
        ([*DIFFERENCES, "processes:2"], 4, "evaluations of apply: [1-8] of 8"),
        (["--gradient-backend", "derived"], 6, "calls of jacobian_vector_product: [1-5] of 5"),
    ],
)
def test_jacobian_shows_its_steps(
    tesseract: Callable[..., Path],
    tmp_path: Path,
    options: list[str],
    size: int,
    steps: str,
) -> None:
    """Progress is on stderr alone, and the result on stdout."""
    screen, terminal = pty.openpty()
    tty.setraw(terminal)
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    inputs = {"x": [1.0] * size}
    payload = {"inputs": inputs, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    done = subprocess.run(
        [program, *options, "jacobian", json.dumps(payload)],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract(SLOW + PRODUCT))},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=SECONDS,
    )
    os.close(terminal)
    shown = os.read(screen, 2**16).decode()
    os.close(screen)
    assert done.returncode == 0
    assert re.search(rf"\r{steps}", shown)
    assert json.loads(done.stdout)["y"]["x"]["shape"] == [size, size]
