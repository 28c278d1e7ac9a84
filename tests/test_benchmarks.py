"""The benchmarks still run; their times are asserted nowhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.__main__ import STUDIES, selected
from benchmarks.study import OURS, Goal, Row
from benchmarks.table import table
from tests.conftest import REPOSITORY


def test_smallest_study_runs() -> None:
    """One turn of one study prints its table."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "import of the core"]
    printed = subprocess.check_output(command, text=True, cwd=REPOSITORY)
    assert "| import of the core | " in printed


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_each_row_can_be_measured_alone(study: object) -> None:
    """Study and name of a row select it."""
    for row in study.rows:  # type: ignore[attr-defined]  # it is a study
        chosen = selected(STUDIES, f"{study.name} {row.name}")  # type: ignore[attr-defined]
        assert row in [each for one in chosen for each in one.rows]


@pytest.mark.parametrize(
    ("goal", "cell"),
    [
        (Goal(bound=0.5, of="peer"), "0.50 of peer, at most 0.5: met"),
        (Goal(bound=0.6, of="peer", at_least=True), "0.50 of peer, at least 0.6: missed"),
        (Goal(bound=2), "at most 2: missed"),
        (Goal(bound=1, of="absent"), "-"),
    ],
)
def test_goals_are_judged_by_the_numbers_of_the_same_turns(goal: Goal, cell: str) -> None:
    """A ratio is the median of those of the turns; an absolute bound is one of the median."""
    row = Row(name="call", unit="us", goals=[goal])
    measured = {"call": {OURS: [2.0, 3.0, 40.0], "peer": [4.0, 6.0, 2.0]}}
    assert [*table([row], measured)][-1] == (f"| call | 3 us (2 to 40) | 4 us (2 to 6) | {cell} |")
