"""The cost of logging a number."""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.sides import Side

_LOGGING = """
import time
from pydantic import BaseModel
from tesseract_core.runtime.experimental import log_metric

class InputSchema(BaseModel):
    count: int

class OutputSchema(BaseModel):
    microseconds: float

def apply(inputs):
    start = time.perf_counter()
    for step in range(inputs.count):
        log_metric("loss", 1.0 / (step + 1))
    return OutputSchema(microseconds=(time.perf_counter() - start) / inputs.count * 1e6)
"""


def _logged(side: Side, count: int) -> float:
    """Return the microseconds of each of `count` metrics that one apply logs to files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tesseract_api.py"
        path.write_text(_LOGGING, encoding="utf-8")
        payload = json.dumps({"inputs": {"count": count}})
        ended = subprocess.run(
            [side.command, "--output-path", folder, "apply", payload],
            check=True,
            capture_output=True,
            env={"TESSERACT_API_PATH": str(path)},
        )
        microseconds: float = json.loads(ended.stdout)["microseconds"]
        return microseconds


ten_thousand = partial(_logged, count=10_000)
hundred_thousand = partial(_logged, count=100_000)
