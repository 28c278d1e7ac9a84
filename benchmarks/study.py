"""Studies: rows that are measured together, in one run, each side in its turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.environments import Environments

OURS = "this runtime"
ORIGINAL = "original"

Turn = Callable[[], Mapping[str, float]]
"""Measures one side once: a number for each row that the side has."""

Measured = Mapping[str, Mapping[str, Sequence[float]]]
"""The numbers of all turns, by the names of row and side."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound of our number, or of its ratio to that of another side."""

    bound: float
    of: str = ""
    at_least: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number of a study, with its goals."""

    name: str
    unit: str
    goals: Sequence[Goal] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """Some rows, and the sides that are measured in turn.

    A drift of the machine's speed then affects all sides alike. `sides` keeps servers for the
    time of its `with`; `about` is a paragraph for readers.
    """

    name: str
    about: str
    rows: Sequence[Row]
    sides: Callable[[Environments], AbstractContextManager[Mapping[str, Turn]]]
    turns: int = 10

    def measure(self, environments: Environments, turns: int) -> Measured:
        """Let every side take its turn, several times."""
        measured: dict[str, dict[str, list[float]]] = {row.name: {} for row in self.rows}
        with self.sides(environments) as sides:
            for _ in range(turns):
                for side, turn in sides.items():
                    for row, number in turn().items():
                        if row in measured:
                            measured[row].setdefault(side, []).append(number)
        return measured


def ratio(measured: Mapping[str, Sequence[float]], side: str) -> float:
    """Compute the median ratio of our number to that of another side in the same turn."""
    pairs = zip(measured[OURS], measured[side], strict=True)
    return statistics.median(ours / theirs for ours, theirs in pairs)
