"""The cost of logging a number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.environments import Environments, runtime
from benchmarks.processes import run
from benchmarks.servers import MODELS
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn

_MODEL = {"TESSERACT_API_PATH": str(MODELS / "logging" / "tesseract_api.py")}
_FEW, _MANY = 10_000, 100_000


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    sides: dict[str, Turn] = {OURS: partial(_logged, environments.ours, _FEW, _MANY)}
    if environments.original is not None:  # it would need minutes for many
        sides[ORIGINAL] = partial(_logged, environments.original, _FEW)
    yield sides


def _logged(python: Path, *counts: int) -> dict[str, float]:
    return {_name(count): _microseconds(python, count) for count in counts}


def _microseconds(python: Path, count: int) -> float:
    """Measure the time of each of `count` metrics that one apply logs to files."""
    payload = json.dumps({"inputs": {"count": count}})
    ended = run([runtime(python), "--output-path", ".", "apply", payload], _MODEL)
    microseconds: float = json.loads(ended.output)["microseconds"]
    return microseconds


def _name(count: int) -> str:
    return f"log_metric, each of {count:,}"


RUNS = Study(
    name="Logging",
    about="`log_metric` to files, in a loop of one `apply`.",
    rows=[Row(name=_name(count), unit="us", goals=[Goal(bound=20)]) for count in (_FEW, _MANY)],
    sides=_sides,
    turns=3,
)
