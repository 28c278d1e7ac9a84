"""What a sweep costs beside its evaluations, and the memory that it takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.environments import Environments, runtime
from benchmarks.processes import printed
from benchmarks.study import OURS, Goal, Row, Study, Turn

_MODEL = """
import time
from pydantic import BaseModel

class InputSchema(BaseModel):
    n: int
    seconds: float

class OutputSchema(BaseModel):
    y: float

def apply(inputs):
    if inputs.seconds:
        time.sleep(inputs.seconds)
    return OutputSchema(y=inputs.n)
"""

_PROGRAM = """
import json, os, subprocess, sys, time

def swept(target, number, seconds):
    sweep = ["sweep", f"n=arange({number})", f"seconds=[{seconds}]", "-o", "o.jsonl"]
    start = time.perf_counter()
    process = subprocess.Popen([*sys.argv[1:], "--executor", target, *sweep, "--overwrite"])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024

few, many = (swept("processes:2", number, 0.005)[0] for number in (1_000, 3_000))
small, large = (swept("serial", number, 0)[1] for number in (1_000, 100_000))
print(json.dumps({"OVERHEAD": (many - few) / (2_000 * 0.005 / 2), "MEMORY": large - small}))
"""

_ROWS = {
    "OVERHEAD": "sweep of a 5 ms apply on processes:2, times its ideal time",
    "MEMORY": "memory that 100,000 evaluations take more than 1,000",
}


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tesseract_api.py")
        path.write_text(_MODEL)
        yield {OURS: partial(_swept, environments.ours, path)}


def _swept(python: Path, path: Path) -> Mapping[str, float]:
    found = printed(python, _PROGRAM, runtime(python), "--api-path", str(path))
    return {_ROWS[key]: number for key, number in found.items()}


SWEEPS = Study(
    name="Sweeps",
    about="A `sweep` of two more thousand evaluations on `processes:2`, and one of 100,000 that "
    "compute nothing.",
    rows=[
        Row(name=_ROWS["OVERHEAD"], unit="x", goals=[Goal(bound=1.15)]),
        Row(name=_ROWS["MEMORY"], unit="MB", goals=[Goal(bound=50)]),
    ],
    sides=_sides,
    turns=1,
)
