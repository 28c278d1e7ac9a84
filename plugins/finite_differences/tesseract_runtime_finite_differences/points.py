"""Points near the inputs: what is changed there, and what `apply` returns."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from runtime_core.calls.faults import exception_text
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.paths import get, parse
from runtime_core.tesseract_api import AuthorError

AnyArray = np.ndarray[Any, np.dtype[Any]]
Arrays = Mapping[str, AnyArray]
Values = Mapping[str, AnyArray]
"""What `apply` returns at one point, by output path."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Inputs that differ from the base in some arrays; `place` says where, for messages."""

    changes: Arrays

    @property
    def place(self) -> str:
        """Return what was changed, as the end of a sentence."""
        return "at the inputs as they are"


@dataclass(frozen=True, kw_only=True)
class ElementPoint(Point):
    """Inputs in which one element of one array has another value."""

    path: str
    index: tuple[int, ...]
    base: AnyArray

    @property
    def place(self) -> str:
        """Return which element was changed, and how."""
        before, after = self.base[self.index], self.changes[self.path][self.index]
        return f"where input {where(self.path, self.index)} is changed from {before} to {after}"

    @property
    def value(self) -> float:
        """Return the value that the element has here."""
        return float(self.changes[self.path][self.index])

    @property
    def base_value(self) -> float:
        """Return the value that the element has in the base."""
        return float(self.base[self.index])


@dataclass(frozen=True, kw_only=True)
class DirectionPoint(Point):
    """Inputs in which everything has moved along a direction."""

    direction: str

    @property
    def place(self) -> str:
        """Return which inputs have moved."""
        paths = ", ".join(map(repr, self.changes))
        return f"where {paths} are moved along {self.direction}"


P = TypeVar("P", bound=Point)


def where(path: str, index: tuple[int, ...]) -> str:
    """Return the place of an element, as messages name it.

    >>> where("x", (2, 0))
    "'x' at index (2, 0)"
    """
    return f"{path!r} at index {tuple(map(int, index))}" if index else repr(path)


def variables(inputs: object, paths: Collection[str]) -> dict[str, AnyArray]:
    """Return copies of the arrays to differentiate by, in the order of their paths.

    Raises `GradientFailed` for an array that is not of floating point.
    """
    return {path: _variable(get(inputs, parse(path)), path) for path in sorted(paths)}


def moved(array: AnyArray, steps: AnyArray) -> AnyArray:
    """Return elements after their steps, rounded to what their data type can hold."""
    with np.errstate(over="ignore"):
        return np.asarray(array + steps).astype(array.dtype)


def values_at(
    evaluations: Evaluations, points: Iterable[P], outputs: Collection[str]
) -> Iterator[tuple[P, Values]]:
    """Evaluate at points and yield what is found in their order, whoever is done first."""
    pending: deque[tuple[P, Any]] = deque()
    for point in points:
        pending.append((point, evaluations.submit(point.changes, outputs)))
        if len(pending) >= evaluations.concurrency:
            yield _values(*pending.popleft())
    while pending:
        yield _values(*pending.popleft())


def refuse_non_finite(values: Values, point: Point) -> None:
    """Raise `GradientFailed` for the first value that is infinite or NaN, if there is one."""
    for path, array in values.items():
        finite = np.isfinite(array)
        if not finite.all():
            index = tuple(np.argwhere(~finite)[0])
            raise GradientFailed(
                f"apply returns {array[index]} for output {where(path, index)} {point.place}, so "
                "that there is no finite difference."
            )


def _variable(leaf: Any, path: str) -> AnyArray:
    array = np.array(leaf)
    if array.dtype.kind != "f":
        raise GradientFailed(
            f"Input {path!r} has the data type {array.dtype}: finite differences need real "
            "floating point."
        )
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(np.argwhere(~finite)[0])
        raise GradientFailed(
            f"Input {where(path, index)} is {array[index]}: there is no finite difference at it."
        )
    return array


def _values(point: P, future: Any) -> tuple[P, Values]:
    try:
        values: Values = future.result()
    # Whatever apply raises, the message must say where.
    except Exception as error:
        cause = error.cause if isinstance(error, AuthorError) else error
        raise GradientFailed(f"apply failed {point.place}: {exception_text(cause)}") from cause
    refuse_non_finite(values, point)
    return point, values
