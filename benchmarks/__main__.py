"""Measures the project's performance goals, and prints a table.

    nox -s bench                   this runtime alone
    nox -s bench -- --original     also the original, in an environment of its own
    nox -s bench -- --only http    the rows with a word in their name

Both sides run the same files in turn, so that a drift of the machine's speed affects both alike. A
row shows medians with minimum and maximum, and the median ratio of neighbouring turns.
"""

from __future__ import annotations

import argparse
import compileall
import statistics
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import command_line, gradients, imports, plugins, runs, service
from benchmarks.sides import Side, original_side, our_side


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number to measure, and its goal.

    `ours_alone` is a number that the original does not have.
    """

    name: str
    unit: str
    measure: Callable[[Side], float]
    goal: str
    turns: int = 10
    ours_alone: bool = False


ROWS: Sequence[Row] = (
    Row(name="cli apply, small vector", unit="s", measure=command_line.apply, goal="<= 0.35"),
    Row(name="cli health", unit="s", measure=command_line.health, goal="<= 0.35"),
    Row(name="cli --help", unit="s", measure=command_line.help_text, goal="<= 0.35"),
    Row(
        name="import of the core",
        unit="s",
        measure=imports.core,
        goal="<= 1.2 of limit",
        ours_alone=True,
    ),
    Row(
        name="import of numpy and pydantic",
        unit="s",
        measure=imports.limit,
        goal="limit",
        ours_alone=True,
    ),
    Row(
        name="cost of one installed, unused plugin",
        unit="ms",
        measure=plugins.unused_plugin,
        goal="<= 0.5",
        turns=3,
        ours_alone=True,
    ),
    Row(name="http apply, 16 floats, p50", unit="ms", measure=service.small_p50, goal="<= 0.40"),
    Row(name="http apply, 8 clients", unit="req/s", measure=service.throughput, goal=">= 2.5"),
    Row(name="http apply, 1e7 float64 base64", unit="s", measure=service.large, goal="<= 0.60"),
    Row(
        name="http apply, 1e7 float64 msgpack, against its base64",
        unit="s",
        measure=service.large_raw,
        goal="<= 0.30",
    ),
    Row(
        name="http health during an apply",
        unit="ms",
        measure=service.health,
        goal="< 20 ms",
        ours_alone=True,
    ),
    Row(
        name="finite differences, n = 400, 3 outputs",
        unit="s",
        measure=gradients.finite_differences,
        goal="<= 0.35",
    ),
    Row(name="log_metric, 10,000 times", unit="us", measure=runs.ten_thousand, goal="< 20 us"),
    Row(
        name="log_metric, 100,000 times",
        unit="us",
        measure=runs.hundred_thousand,
        goal="the same",
        ours_alone=True,
    ),
)


def main() -> None:
    """Measure the selected rows."""
    arguments = _arguments()
    _compile(Path(sysconfig.get_path("purelib")), Path("runtime_core"))
    sides = [our_side()]
    if arguments.original:
        sides.append(original_side())
    print(f"| measurement | {' | '.join(side.name for side in sides)} | ratio | goal |")
    print(f"|---|{'---|' * len(sides)}---|---|")
    for row in ROWS:
        if arguments.only in row.name:
            print(_line(row, sides), flush=True)


def _line(row: Row, sides: Sequence[Side]) -> str:
    usable = sides[:1] if row.ours_alone else sides
    turns = [[row.measure(side) for side in usable] for _ in range(row.turns)]
    columns = list(zip(*turns, strict=True))
    cells = [_spread(column, row.unit) for column in columns]
    cells += ["-"] * (len(sides) - len(usable))
    ratio = "-"
    if len(columns) == 2:
        ratio = f"{statistics.median(ours / theirs for ours, theirs in turns):.2f}"
    return f"| {row.name} | {' | '.join(cells)} | {ratio} | {row.goal} |"


def _spread(values: Sequence[float], unit: str) -> str:
    middle = statistics.median(values)
    return f"{middle:.4g} {unit} ({min(values):.4g} to {max(values):.4g})"


def _compile(*folders: Path) -> None:
    for folder in folders:
        compileall.compile_dir(folder, quiet=2, workers=0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--original", action="store_true", help="measure the original too")
    parser.add_argument("--only", default="", help="only rows with this in their name")
    return parser.parse_args()


if __name__ == "__main__":
    main()
