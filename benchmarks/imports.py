"""The cost of importing the core."""

from __future__ import annotations

import subprocess
import time

from benchmarks.sides import Side


def core(side: Side) -> float:
    """Return the seconds of a process that imports the core and its array types."""
    return _seconds(side, "from runtime_core import Array, Float64")


def limit(side: Side) -> float:
    """Return the seconds of a process that imports only the dependencies of the core."""
    return _seconds(side, "import numpy, pydantic; pydantic.BaseModel")


def _seconds(side: Side, code: str) -> float:
    start = time.perf_counter()
    subprocess.run([str(side.python), "-c", code], check=True)
    return time.perf_counter() - start
