"""Tables in Markdown: a line for each row of a study, with its goals."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.study import OURS, Goal, Measured, Row, ratio


def table(rows: Sequence[Row], measured: Measured) -> Iterator[str]:
    """Write the lines of a table: medians with the least and the largest number of a turn."""
    sides = list(dict.fromkeys(side for row in rows for side in measured[row.name]))
    sides.sort(key=lambda side: side != OURS)
    yield f"| | {' | '.join(sides)} | goals |"
    yield f"|---|{'---|' * len(sides)}---|"
    for row in rows:
        numbers = measured[row.name]
        cells = [_spread(numbers[side], row.unit) if side in numbers else "-" for side in sides]
        goals = [_judged(goal, numbers) for goal in row.goals if goal.of in ("", *numbers)]
        yield f"| {row.name} | {' | '.join(cells)} | {'; '.join(goals) or '-'} |"


def _spread(values: Sequence[float], unit: str) -> str:
    least, middle, most = (f"{f(values):.3g}" for f in (min, statistics.median, max))
    return f"{_plain(middle)} {unit} ({_plain(least)} to {_plain(most)})".replace("  ", " ")


def _plain(number: str) -> str:
    """Write a number without an exponent."""
    return f"{float(number):,.0f}" if "e" in number else number


def _judged(goal: Goal, numbers: Mapping[str, Sequence[float]]) -> str:
    """Write how our number stands to its goal."""
    number = ratio(numbers, goal.of) if goal.of else statistics.median(numbers[OURS])
    is_met = number >= goal.bound if goal.at_least else number <= goal.bound
    bound = f"{'at least' if goal.at_least else 'at most'} {goal.bound:g}"
    of = f"{number:.2f} of {goal.of}, " if goal.of else ""
    return f"{of}{bound}: {'met' if is_met else 'missed'}"
