"""A wrapped solver, which reads and writes files, in many calls at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.server.conftest import Serve, Served

CALLS = int(os.environ.get("WRAPPED_SOLVER_CALLS", "150"))
CLIENTS, WORKERS = 16, 4

SOLVER = """
#include <stdio.h>

int main(void) {
    double x, y = 0;
    FILE *file = fopen("input.txt", "r");
    if (!file || fscanf(file, "%lf", &x) != 1) return 1;
    fclose(file);
    for (int step = 0; step < 1000; step++) y += x * step;
    file = fopen("out.txt", "w");
    if (!file || fprintf(file, "%.17g\\n", y) < 0) return 1;
    return fclose(file);
}
"""

SCRIPT = """#!/usr/bin/env python3
with open("input.txt") as file:
    x = float(file.read())
with open("out.txt", "w") as file:
    file.write(repr(sum(x * step for step in range(1000))))
"""
"""The same without a compiler."""

WRAPS = """
import subprocess
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime.experimental import OutputPath, run_directory

SOLVER = Path(__file__).with_name("solver")

class InputSchema(BaseModel):
    x: float

class OutputSchema(BaseModel):
    y: float
    file: OutputPath

def apply(inputs: InputSchema) -> OutputSchema:
    folder = run_directory()
    (folder / "input.txt").write_text(repr(inputs.x))
    subprocess.run([SOLVER], cwd=folder, check=True)
    out = folder / "out.txt"
    return OutputSchema(y=float(out.read_text()), file=out)
"""


def build_solver(path: Path) -> None:
    """Compile the solver, or write it as a script without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        path.write_text(SCRIPT)
        path.chmod(0o755)
        return
    source = path.with_suffix(".c")
    source.write_text(SOLVER)
    subprocess.run([compiler, "-O1", "-o", str(path), str(source)], check=True)


@pytest.fixture
def served(serve: Serve, tmp_path: Path) -> Served:
    """Return a server of the wrapped solver with several workers."""
    (tmp_path / "tesseract").mkdir()
    build_solver(tmp_path / "tesseract" / "solver")
    out = str(tmp_path / "out")
    return serve(WRAPS, "--output-path", out, options=["--num-workers", str(WORKERS)])


def test_calls_at_once_have_their_own_files(served: Served, tmp_path: Path, cli: Cli) -> None:
    """No call gets a number of another one, and each result names its own file."""
    numbers = [float(number) for number in range(CALLS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [*clients.map(lambda x: served.apply({"x": x}), numbers)]
    assert {answer.status for answer in answers} == {200}
    results = [answer.json() for answer in answers]
    assert [result["y"] for result in results] == [x * 499_500 for x in numbers]
    runs = [answer.headers["tesseract-run-id"] for answer in answers]
    assert [result["file"] for result in results] == [f"run_{run}/out.txt" for run in runs]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"run_{run}" for run in runs}
    path = str(tmp_path / "tesseract" / "tesseract_api.py")
    alone = cli("--api-path", path, "--output-path", "alone", "apply", '{"inputs": {"x": 2}}')
    assert json.loads(alone.stdout)["y"] == 999_000.0
