"""The values of one input of a sweep, parsed from a text such as `linspace(0, 1, 50)`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os.path import isfile
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from runtime_core.errors import InvalidOption, did_you_mean, listed, shortened


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values of a grid, which are made one at a time."""

    number: int
    value: Callable[[int], Any]

    def ends(self) -> Sequence[Any]:
        """Return the first and the last value."""
        return self.value(0), self.value(self.number - 1)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution; `quantile` maps a probability between 0 and 1 to a value."""

    quantile: Callable[[float], float]

    def ends(self) -> Sequence[float]:
        """Return the smallest and the largest value that a sample can have."""
        return self.quantile(SMALLEST), self.quantile(1 - SMALLEST)


SMALLEST = 2.0**-53
"""The smallest probability of a sample: a normal distribution has no end."""


def split_assignment(text: str) -> tuple[str, str]:
    """Split `NAME=SPEC`; `InvalidOption` for another text."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        meant = f" Did you mean @{text}?" if isfile(text) else ""  # noqa: PTH113  # a `Path` raises
        raise InvalidOption(
            f"{shortened(text)!r} is not NAME=SPEC, such as beta=linspace(0,1,50).{meant}"
        )
    return match["name"].strip(), match["specification"].strip()


def parse_assignment(text: str) -> tuple[str, Values | Distribution]:
    """Parse `NAME=SPEC`; `InvalidOption` names the place of the fault.

    >>> name, values = parse_assignment("layers.[0].k=linspace(0, 1, 5)")
    >>> name, values.number, values.value(1)
    ('layers.[0].k', 5, 0.25)
    """
    name, specification = split_assignment(text)
    try:
        return name, _parsed(specification)
    except ValueError as error:
        raise InvalidOption(f"{shortened(text)}: {error}") from None


def parse_assignments(texts: Sequence[str]) -> dict[str, Values | Distribution]:
    """Parse each `NAME=SPEC`; `InvalidOption` also for a name that is given twice, and for none."""
    if not texts:
        raise InvalidOption(
            "Name the inputs to sweep, as NAME=SPEC, such as beta=linspace(0,1,50)."
        )
    assignments = dict(map(parse_assignment, texts))
    if len(assignments) < len(texts):
        names = [split_assignment(text)[0] for text in texts]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidOption(f"{twice} has values twice: give them in one list.")
    return assignments


def _parsed(text: str) -> Values | Distribution:
    if text.startswith("["):
        return _list(text)
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise ValueError(
            "expected a list in brackets, or a function and its arguments in parentheses, such as "
            "[1,2,3] or linspace(0,1,50)"
        )
    name = match["name"]
    if name not in _FUNCTIONS:
        raise ValueError(
            f"unknown function {name!r}.{did_you_mean(name, _FUNCTIONS)} "
            f"Functions: {listed(_FUNCTIONS)}"
        )
    fewest, most, form, function = _FUNCTIONS[name]
    arguments = [_number(part) for part in match["arguments"].split(",") if match["arguments"]]
    if not fewest <= len(arguments) <= most:
        raise ValueError(f"expected {form}, got {len(arguments)} arguments")
    try:
        made = function(*arguments)
        fits = all(map(math.isfinite, made.ends()))
    except OverflowError:
        fits = False
    if not fits:
        raise ValueError("its values are too large for numbers of 64 bits")
    return made


def _list(text: str) -> Values:
    try:
        values = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        hint = ". Write double quotes" if "'" in text else ""
        raise ValueError(f"the list is not JSON: {error}{hint}") from None
    if not values:
        raise ValueError("the list is empty")
    return Values(number=len(values), value=values.__getitem__)


def _number(text: str) -> int | float:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{shortened(text)!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _linspace(start: float, stop: float, number: float) -> Values:
    """Return the values of `numpy.linspace`."""
    count = _count(number)
    step = (stop - start) / (count - 1) if count > 1 else 0.0
    return Values(
        number=count,
        value=lambda i: float(stop) if i == count - 1 > 0 else i * step + start + 0.0,
    )


def _logspace(start: float, stop: float, number: float) -> Values:
    """Return the values of `numpy.logspace`, powers of 10."""
    exponents = _linspace(start, stop, number)
    return Values(number=exponents.number, value=lambda i: 10.0 ** exponents.value(i))


def _arange(*arguments: float) -> Values:
    """Return the values of `numpy.arange`; integers stay integers."""
    start, stop, step = {1: (0, *arguments, 1), 2: (*arguments, 1)}.get(len(arguments), arguments)
    if step == 0:
        raise ValueError("the step is 0")
    count = math.ceil((stop - start) / step)
    if count < 1:
        raise ValueError("no value lies between start and stop")
    return Values(number=count, value=lambda i: start + i * step)


def _count(number: float) -> int:
    if number != int(number) or number < 1:
        raise ValueError(f"the number of values is {number}, and must be a positive integer")
    return int(number)


def _uniform(low: float, high: float) -> Distribution:
    _require_order(low, high)
    return Distribution(quantile=lambda p: low + (high - low) * p)


def _loguniform(low: float, high: float) -> Distribution:
    _require_order(low, high)
    if low <= 0:
        raise ValueError(f"the lower bound is {low}, and must be above 0")
    return Distribution(quantile=lambda p: low ** (1 - p) * high**p)


def _normal(mean: float, deviation: float) -> Distribution:
    if deviation <= 0:
        raise ValueError(f"the standard deviation is {deviation}, and must be above 0")
    return Distribution(quantile=NormalDist(mean, deviation).inv_cdf)


def _require_order(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"the lower bound {low} is not below the upper bound {high}")


_ASSIGNMENT = re.compile(r"(?P<name>(?:\{(?:[^{}\\]|\\.)*\}|[^={}])+)=(?P<specification>.*)", re.S)
"""A name, whose keys in braces may have `=`, and the rest."""

_FUNCTION = re.compile(r"(?P<name>\w+)\s*\((?P<arguments>[^()]*)\)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")

_FUNCTIONS: Mapping[str, tuple[int, int, str, Callable[..., Values | Distribution]]] = (
    MappingProxyType(
        {
            "linspace": (3, 3, "linspace(START, STOP, NUMBER)", _linspace),
            "logspace": (3, 3, "logspace(START, STOP, NUMBER), of exponents of 10", _logspace),
            "arange": (1, 3, "arange(START, STOP, STEP)", _arange),
            "uniform": (2, 2, "uniform(LOW, HIGH)", _uniform),
            "loguniform": (2, 2, "loguniform(LOW, HIGH)", _loguniform),
            "normal": (2, 2, "normal(MEAN, DEVIATION)", _normal),
        }
    )
)
"""The fewest and the most arguments of each function, its form, and what makes its values."""
