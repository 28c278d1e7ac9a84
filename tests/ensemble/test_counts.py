"""The numbers of evaluations, while they are computed and at the end."""

from __future__ import annotations

import re

from runtime_core.contracts import Fault
from runtime_core.errors import FaultKind
from tesseract_runtime_ensemble.counts import Counts


def test_a_line_shows_the_progress() -> None:
    """It has what is done, what has failed, the rate and the time left."""
    counts = Counts(number=10, earlier=4)
    assert counts.line() == "evaluation 4 of 10, 0 failed"
    counts.count(4, None)
    counts.count(5, Fault(kind=FaultKind.TESSERACT_FAILED, message="no mesh"))
    assert re.fullmatch(
        r"evaluation 6 of 10, 1 failed, [\d.e+]+ per second, \S+ s left", counts.line()
    )


def test_messages_of_failures_are_bounded() -> None:
    """Thousands of different messages take no more room than a few."""
    counts = Counts(number=1000, earlier=0)
    for index in range(1000):
        counts.count(index, Fault(kind=FaultKind.TESSERACT_FAILED, message=f"no\nmesh {index}"))
    first, *lines = counts.report()
    assert first.endswith(", 1000 failed.")
    assert lines[:2] == [
        "  980 x other messages (first: index 20)",
        "  1 x no mesh 0 (first: index 0)",
    ]
    assert len(lines) == 21
