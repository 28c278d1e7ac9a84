"""Commands that are killed while they compute, and resumed until they are done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import clean_environment
from tests.patience import SECONDS

KILLED = """
import os, signal, time
from pathlib import Path
from pydantic import BaseModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    n: int
    marks: str

class OutputSchema(BaseModel):
    y: Array[(2,), Float64]

def kill(pid):
    os.kill(pid, signal.SIGKILL)
    time.sleep(60)  # until it has an effect

def apply(inputs):
    marks = Path(inputs.marks)
    with open(marks / "begun", "a") as begun:
        begun.write(f"{inputs.n}\\n")
    if (marks / f"command-{inputs.n}").exists():
        (marks / f"command-{inputs.n}").unlink()
        kill(int((marks / "pid").read_text()))
    if (marks / f"worker-{inputs.n}").exists():
        (marks / f"worker-{inputs.n}").unlink()
        kill(os.getpid())
    return OutputSchema(y=[inputs.n, inputs.n / 3])
"""
"""A Tesseract that kills the command or its own process, once at each number with a mark."""


def computed_with_kills(
    folder: Path,
    api_path: Path,
    *arguments: str,
    command: Sequence[int] = (),
    worker: Sequence[int] = (),
) -> int:
    """Compute an ensemble with kills at some numbers; return the number of starts."""
    for who, numbers in (("command", command), ("worker", worker)):
        for each in numbers:
            (folder / f"{who}-{each}").touch()
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    for start in range(1, len(command) + 2):
        process = subprocess.Popen(
            [program, "--api-path", str(api_path), *arguments, "--resume"],
            env=clean_environment(),
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        (folder / "pid").write_text(str(process.pid))
        _, stderr = process.communicate(timeout=10 * SECONDS)
        if process.returncode == 0:
            return start
        assert process.returncode == -9, stderr
    raise AssertionError("the command was killed more often than there are marks")
