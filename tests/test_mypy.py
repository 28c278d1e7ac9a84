"""The mypy plugin: annotations of arrays have the types of their values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.patience import SECONDS

CONFIGURATION = """
[mypy]
strict = true
plugins = pydantic.mypy, runtime_core.mypy
"""

SOURCE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float32, Float64

class Model(BaseModel):
    points: Differentiable[Array[(None, 3), Float64]]
    free: Array[..., Float32]
    scale: Float32
    weight: Differentiable[Float64]

def show(model: Model) -> None:
    reveal_type(model.points)
    reveal_type(model.free)
    reveal_type(model.scale)
    reveal_type(model.weight)
"""


def _mypy(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "mypy.ini").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "model.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "model.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
    )


def test_mypy_plugin_reads_arrays_as_the_numpy_values_of_their_fields(tmp_path: Path) -> None:
    """Array annotations are no syntax errors, and fields have the types of numpy."""
    result = _mypy(tmp_path, SOURCE)
    notes = [line.split("is ")[1] for line in result.stdout.splitlines() if "Revealed" in line]
    assert result.returncode == 0, result.stdout
    assert [note.partition("[")[0].strip('"') for note in notes[:2]] == ["numpy.ndarray"] * 2
    assert "Float32" in notes[2]
    assert "Float64" in notes[3]


def test_mypy_still_finds_a_wrong_use_of_an_array(tmp_path: Path) -> None:
    """A numpy array is not a string for a type checker either."""
    wrong = SOURCE.replace("reveal_type(model.scale)", "model.points.upper()")
    result = _mypy(tmp_path, wrong)
    assert result.returncode == 1
    assert '"ndarray[Any, Any]" has no attribute "upper"' in result.stdout
