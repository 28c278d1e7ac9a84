"""Steps: how far one element of an input is moved to take a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import InvalidOption


@dataclass(frozen=True, kw_only=True)
class Step:
    """Both neighbours of an element in the data type of its array, and how far they really are."""

    position: int
    above: Any
    below: Any
    forward: float
    backward: float

    @property
    def width(self) -> float:
        """Return the distance between the neighbours."""
        return self.forward + self.backward


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The step of every input: one for all, unless a path has its own."""

    eps: float
    by_path: Mapping[str, float] = field(default_factory=dict)

    def at(self, path: str, array: AnyArray, position: int) -> Step:
        """Return the step of one element.

        Raises `InvalidOption` when the data type has no numbers that are so near.
        """
        value = array.flat[position]
        eps = self.by_path.get(path, self.eps)
        with np.errstate(all="ignore"):  # what overflows is refused
            neighbours = np.array([value - eps, value, value + eps]).astype(array.dtype)
            below, middle, above = neighbours.real.astype(np.float64)
            distinct = below < middle < above and np.isfinite(above - below)
        if not distinct:
            raise InvalidOption(_lost(path, array, position, eps))
        return Step(
            position=position,
            above=neighbours[2],
            below=neighbours[0],
            forward=float(above - middle),
            backward=float(middle - below),
        )


def index_of(shape: tuple[int, ...], position: int) -> tuple[int, ...]:
    """Return the index of a flat position.

    >>> index_of((2, 3), 4)
    (1, 1)
    """
    return tuple(int(i) for i in np.unravel_index(position, shape))


def element(path: str, index: tuple[int, ...]) -> str:
    """Return the text of one element of an array; a scalar has no index.

    >>> element("x", (0, 1)), element("s", ())
    ('x[0, 1]', 's')
    """
    return f"{path}[{', '.join(map(str, index))}]" if index else path


def moved(array: AnyArray, position: int, value: Any) -> AnyArray:
    """Return a copy of an array with one element changed.

    >>> moved(np.zeros(3), 1, 5.0)
    array([0., 5., 0.])
    """
    copy = array.copy()
    copy.flat[position] = value
    return copy


def sensible_step(array: AnyArray, position: int) -> float:
    """Return a step that balances rounding and truncation: the cube root of the precision.

    >>> sensible_step(np.array([0.0, 200.0], "float32"), 1)
    1.0
    """
    size = max(abs(float(np.real(array.flat[position]))), 1.0)
    return float(f"{np.cbrt(precision(array.dtype)) * size:.0e}")


def precision(dtype: np.dtype[Any]) -> float:
    """Return the relative distance of neighbouring numbers; of integers, that of double precision.

    >>> precision(np.dtype("complex64"))
    1.1920928955078125e-07
    """
    return float(np.finfo(dtype if dtype.kind in "fc" else np.float64).eps)


def _lost(path: str, array: AnyArray, position: int, eps: float) -> str:
    value = array.flat[position]
    place = element(path, index_of(array.shape, position))
    if not np.isfinite(value):
        return f"Input {place} is {value}: no difference can be taken there."
    if array.dtype.kind not in "fc":
        return f"Input {path} has the data type {array.dtype}: no difference can be taken there."
    return (
        f"The step {eps:g} is lost in {array.dtype}: input {place} is {value}, and its neighbours "
        f"are further away. Name a larger step with --eps-for "
        f"'{path}={sensible_step(array, position):g}'."
    )
