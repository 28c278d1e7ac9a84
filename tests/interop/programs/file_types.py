"""Uses of the file types and of validation contexts in files of Tesseracts and their tests."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
os.environ["TESSERACT_INPUT_PATH"] = os.environ["TESSERACT_OUTPUT_PATH"] = str(FOLDER)

import numpy as np  # noqa: E402  # after the paths are set
from pydantic import BaseModel  # noqa: E402

from tesseract_core.runtime import Array, Float64  # noqa: E402
from tesseract_core.runtime.experimental import InputPath, LazySequence, OutputPath  # noqa: E402
from tests.interop.programs.outcomes import print_outcomes  # noqa: E402


class Item(BaseModel):
    """An item of a sequence."""

    value: float


class Sequence(BaseModel):
    """A sequence."""

    items: LazySequence[Item]


class Files(BaseModel):
    """A file that is written."""

    path: OutputPath


class Read(BaseModel):
    """A file that is read."""

    path: InputPath


class Vector(BaseModel):
    """A vector."""

    x: Array[(3,), Float64]


(FOLDER / "good.json").write_text(json.dumps({"value": 1.5}))
(FOLDER / "wrong.json").write_text(json.dumps({"value": "x"}))
(FOLDER / "broken.json").write_text("{")
(FOLDER / "out.txt").write_text("x")


def sequence(pattern: str) -> LazySequence[Item]:
    """Return the sequence of the files that a pattern matches."""
    return Sequence.model_validate({"items": f"@{FOLDER}/{pattern}"}).items


def given() -> LazySequence[Item]:
    """Return a sequence of a list."""
    return Sequence.model_validate({"items": [{"value": 1}, {"value": 2}]}).items


LINES = {
    "items": lambda: [item.value for item in sequence("good*")],
    "length": lambda: len(sequence("*.json")),
    "item that does not fit": lambda: sequence("wrong*")[0],
    "broken item": lambda: sequence("broken*")[0],
    "keys": lambda: [str(key).rpartition("/")[2] for key in sequence("good*").keys],
    "keys of a list": lambda: len(given().keys),
    "output path is absolute": lambda: str(Files(path=FOLDER / "out.txt").path)[0],
    "output path is dumped": lambda: Files(path=FOLDER / "out.txt").model_dump(),
    "output path in JSON": lambda: json.loads(Files(path=FOLDER / "out.txt").model_dump_json()),
    "relative output path": lambda: Files(path="out.txt").model_dump(),
    "output path outside": lambda: Files(path="/etc/passwd"),
    "input path": lambda: Read(path="out.txt").path.name,
    "input path that is not there": lambda: Read(path="absent.txt"),
    "paths unchecked": lambda: str(
        Files.model_validate({"path": "absent.txt"}, context={"skip_path_checks": True}).path
    ).rpartition("/")[2],
    "strict shape": lambda: Vector.model_validate(
        {"x": np.ones(1)}, context={"strict_shapes": True}
    ),
    "strict type": lambda: Vector.model_validate(
        {"x": np.ones(3, "float32")}, context={"strict_types": True}
    ),
    "range": lambda: Vector(x=range(3)),
    "memoryview": lambda: Vector(x=np.arange(3.0).data),
}

if __name__ == "__main__":
    print_outcomes(LINES)
