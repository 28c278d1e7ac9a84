"""Measures the project's performance goals, and prints tables.

nox -s bench                        this runtime, its floors and UM-Bridge
nox -s bench -- --original          also the original, in an environment of its own
nox -s bench -- --only "8 clients"  the rows with these words in their name or their study's
nox -s bench -- --quick             one turn each, to see that everything still runs
nox -s bench -- --original --page   writes docs/cost_of_a_call.md, and tables of others
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.batches import BATCHES
from benchmarks.command_line import COMMAND_LINE, IMPORTS
from benchmarks.environments import Environments
from benchmarks.executors import EXECUTORS
from benchmarks.gradients import GRADIENTS
from benchmarks.health import HEALTH
from benchmarks.large_calls import LARGE_CALLS, MEMORY
from benchmarks.page import write_page
from benchmarks.plugins import PLUGINS
from benchmarks.runs import RUNS
from benchmarks.small_calls import SMALL_CALLS
from benchmarks.study import Measured, Study
from benchmarks.sweeps import SWEEPS
from benchmarks.table import table
from benchmarks.web import WEB

STUDIES: Sequence[Study] = (
    SMALL_CALLS,
    LARGE_CALLS,
    MEMORY,
    HEALTH,
    COMMAND_LINE,
    IMPORTS,
    PLUGINS,
    RUNS,
    GRADIENTS,
    BATCHES,
    EXECUTORS,
    SWEEPS,
    WEB,
)


def main() -> None:
    """Measure the selected rows."""
    arguments = _arguments()
    environments = Environments(with_original=arguments.original)
    results: list[tuple[Study, Measured]] = []
    for study in selected(STUDIES, arguments.only):
        start = time.monotonic()
        measured = study.measure(environments, 1 if arguments.quick else study.turns)
        print(f"\n## {study.name} ({time.monotonic() - start:.0f} s)\n", flush=True)
        print("\n".join(table(study.rows, measured)), flush=True)
        results.append((study, measured))
    if arguments.page:
        write_page(results, environments)


def selected(studies: Sequence[Study], words: str) -> list[Study]:
    """Select the studies with some words in their name, and else their rows with them."""
    chosen = []
    for study in studies:
        rows = [row for row in study.rows if words.lower() in f"{study.name} {row.name}".lower()]
        if rows:
            chosen.append(replace(study, rows=rows))
    return chosen


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--original", action="store_true", help="measure the original too")
    parser.add_argument("--only", default="", help="only rows with these words in their names")
    parser.add_argument("--quick", action="store_true", help="one turn of each side")
    parser.add_argument("--page", action="store_true", help="write the page of the documentation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
