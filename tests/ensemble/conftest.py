"""A Tesseract to compute many times, and the tables of its results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli

MODEL = """
import os, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel, Field
from runtime_core import Array, Complex128, Float64, Int32

class Layer(BaseModel):
    k: float = 1.0

class InputSchema(BaseModel):
    beta: float = 1.0
    n: int = 3
    x: Array[(None,), Float64] = [1.0, 2.0, 3.0, 4.0]
    grid: list[Layer] = [Layer(), Layer()]
    note: str = ""
    seconds: float = 0.0

class OutputSchema(BaseModel):
    total: float
    count: int
    name: str | None
    y: Array[(None,), Float64]
    m: Array[(2, None), Float64]
    z: Array[(2,), Complex128]
    i: Array[(), Int32]
    parts: dict[str, float]

def apply(inputs):
    if inputs.note:
        with open(inputs.note, "a") as notes:
            notes.write(f"{inputs.n} {os.getpid()}\\n")
    time.sleep(inputs.seconds)
    if inputs.beta > 5:
        raise ValueError(f"beta is {inputs.beta}")
    return OutputSchema(
        total=inputs.grid[1].k if inputs.n else float("nan"),
        count=2**53 + inputs.n,
        name="odd" if inputs.n % 2 else None,
        y=inputs.beta * inputs.x,
        m=np.full((2, inputs.n), inputs.beta),
        z=[inputs.n * 1j, 2],
        i=inputs.n,
        parts={"a": inputs.beta},
    )
"""

Rows = list[dict[str, Any]]


def rows_of(table: Path) -> Rows:
    """Return the rows of a table in JSON lines."""
    return [json.loads(line) for line in table.read_text().splitlines()]


def results_of(table: Path) -> Rows:
    """Return the rows by index, without what differs between two computations."""
    rows = sorted(rows_of(table), key=lambda row: row["index"])
    return [{k: v for k, v in row.items() if k not in ("run_id", "seconds")} for row in rows]


@pytest.fixture
def ensemble(cli_here: Cli, tesseract: Callable[..., Path]) -> Cli:
    """Return a function that runs a command of this plugin on the Tesseract, in this process."""
    path = str(tesseract(MODEL))

    def run(*arguments: str, **options: Any) -> Any:
        return cli_here("--api-path", path, *arguments, **options)

    return run
