"""Perturbations: one element of an input moved up and down to take a difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import InvalidOption
from runtime_core.gradients import Point, machine_epsilon


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """Both neighbours of the element at a flat position, and their exact distances from it."""

    path: str
    array: AnyArray
    position: int
    above: Any
    below: Any
    forward: float
    backward: float

    @property
    def width(self) -> float:
        """The distance between the neighbours."""
        return self.forward + self.backward

    def points(self) -> Iterator[Point]:
        """Yield the inputs with the neighbour above and below."""
        for value in (self.above, self.below):
            changed = self.array.copy()
            changed.flat[self.position] = value
            place = f"when {element(self.path, self.array.shape, self.position)} is {value}"
            yield Point(changes={self.path: changed}, place=place)


def perturbation(path: str, array: AnyArray, position: int, eps: float) -> Perturbation:
    """Perturb one element by a step, in the data type of the array.

    Raises `InvalidOption` if rounding swallows the step.
    """
    value = array.flat[position]
    with np.errstate(all="ignore"):  # what overflows is refused
        neighbours = np.array([value - eps, value, value + eps]).astype(array.dtype)
        below, middle, above = neighbours.real.astype(np.float64)
        distinct = below < middle < above and np.isfinite(above - below)
    if not distinct:
        raise InvalidOption(_lost(path, array, position, eps))
    return Perturbation(
        path=path,
        array=array,
        position=position,
        above=neighbours[2],
        below=neighbours[0],
        forward=float(above - middle),
        backward=float(middle - below),
    )


def element(path: str, shape: tuple[int, ...], position: int) -> str:
    """Format the name of one element of an array; a scalar has no index.

    >>> element("x", (2, 3), 4), element("s", (), 0)
    ('x[1, 1]', 's')
    """
    index = np.unravel_index(position, shape)
    return f"{path}[{', '.join(map(str, index))}]" if index else path


def _lost(path: str, array: AnyArray, position: int, eps: float) -> str:
    value = array.flat[position]
    place = element(path, array.shape, position)
    if not np.isfinite(value):
        return f"Input {place} is {value}: no difference can be taken there."
    if array.dtype.kind not in "fc":
        return f"Input {path} has the data type {array.dtype}: no difference can be taken there."
    # The cube root of the precision balances rounding and truncation.
    sensible = np.cbrt(machine_epsilon(array.dtype)) * max(abs(float(np.real(value))), 1.0)
    return (
        f"The step {eps:g} is lost in {array.dtype}: input {place} is {value}, and its neighbours "
        f"are further away. Name a larger step with --eps-for "
        f"'{path}={float(f'{sensible:.0e}'):g}'."
    )
