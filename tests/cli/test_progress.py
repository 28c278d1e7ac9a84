"""The progress of a command that takes long, in a terminal."""

from __future__ import annotations

import json
import os
import pty
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


@pytest.mark.parametrize("executor", ["serial", "processes:2"])
def test_jacobian_shows_its_evaluations(
    executor: str, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """Progress is on stderr alone, and the result on stdout."""
    screen, terminal = pty.openpty()
    tty.setraw(terminal)
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    options = ["--gradient-backend", "finite-differences", "--executor", executor]
    inputs = {"x": [1.0, 2.0, 3.0, 4.0]}
    payload = {"inputs": inputs, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    done = subprocess.run(
        [program, *options, "jacobian", json.dumps(payload)],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract(SLOW))},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=SECONDS,
    )
    os.close(terminal)
    shown = os.read(screen, 2**16).decode()
    os.close(screen)
    assert done.returncode == 0
    assert "evaluations of apply: 8 of 8\r" in shown
    assert "evaluations of apply: 1 of 8" not in shown
    assert json.loads(done.stdout)["y"]["x"]["shape"] == [4, 4]
