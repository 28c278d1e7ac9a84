"""The page "What a call costs", and tables of other pages: of one run, with its machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.environments import Environments, version
from benchmarks.study import Measured, Study
from benchmarks.table import table

PAGE = Path("docs", "cost_of_a_call.md")

_HEAD = """# What a call costs

How long do a small call, a large one and a command take, beside what?

`nox -s bench -- --original --page` measures and writes this page. All sides of a table are
measured in one run, in turns, so that a drift of the machine affects them alike. A cell has the
median of the turns, with the least and the largest. A goal compares numbers of the same turn;
single times depend on the machine.
"""

_OURS = ("tesseract-runtime-core", "numpy", "pydantic", "typer", "uvicorn", "uvloop", "jax")


def write_page(results: Sequence[tuple[Study, Measured]], environments: Environments) -> None:
    """Write the page of one run."""
    parts = [_HEAD, _machine(environments)]
    for study, measured in results:
        parts.append(
            "\n".join([f"## {study.name}\n", study.about, "", *table(study.rows, measured)])
        )
    PAGE.write_text("\n".join(f"{part.strip()}\n" for part in parts), encoding="utf-8")
    for study, measured in results:
        _fill(study, "\n".join(table(study.rows, measured)))


def _fill(study: Study, lines: str) -> None:
    """Write the table of a study into the pages that have a place for it."""
    place = re.compile(rf"(<!-- measured: {study.name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    for page in PAGE.parent.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        filled = place.sub(lambda found: f"{found[1]}{lines}{found[2]}", text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")


def _machine(environments: Environments) -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = found[1] if found else platform.machine()
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    versions = [f"{name} {version(environments.ours, name)}" for name in _OURS]
    versions.append(f"UM-Bridge {version(environments.peers, 'umbridge')}")
    if environments.original is not None:
        versions.append(f"original {version(environments.original, 'tesseract-core')}")
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| Date | {datetime.now(UTC):%Y-%m-%d %H:%M} UTC |",
            f"| Machine | {os.cpu_count()} processors, {processor}, {platform.system()} "
            f"{platform.release().split('-')[0]} |",
            f"| Load at the end (1, 5, 15 minutes) | {load} |",
            f"| Python | {platform.python_version()} |",
            f"| Versions | {', '.join(versions)} |",
        ]
    )
