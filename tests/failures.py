"""What is shown of a test that fails."""

from __future__ import annotations

from collections.abc import Generator

import pytest

LINES, WIDTH = 60, 400
"""How much is shown of a failure, and of each stream that was printed to meanwhile."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep failures readable: workers print megabytes, and some errors show a whole log."""
    report = yield
    report.sections = [(title, shortened(text)) for title, text in report.sections]
    if report.failed and shortened(report.longreprtext) != report.longreprtext:
        report.longrepr = shortened(report.longreprtext)
    return report


def shortened(text: str) -> str:
    """Return the beginning and the end of a long text."""
    lines = [line if len(line) <= WIDTH else f"{line[:WIDTH]} ..." for line in text.splitlines()]
    if len(lines) > LINES:
        left_out = f"... {len(lines) - LINES} lines left out ..."
        lines[LINES // 2 : -LINES // 2] = [left_out]
    return "\n".join(lines)
