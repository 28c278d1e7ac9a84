"""Perturbations: one element of an input moved up and down to take a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import InvalidOption
from runtime_core.gradients import Vector, machine_epsilon


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """The inputs with another value of one element, at a flat position of an array."""

    path: str
    array: AnyArray
    position: int
    value: Any

    @property
    def changes(self) -> Vector:
        """A copy of the array with the value."""
        copy = self.array.copy()
        copy.flat[self.position] = self.value
        return {self.path: copy}

    @property
    def place(self) -> str:
        """The element and its value, as the end of a sentence."""
        return (
            f"when {element(self.path, index_of(self.array.shape, self.position))} is {self.value}"
        )


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """Both neighbours of an element, and their exact distances from it."""

    above: Neighbour
    below: Neighbour
    forward: float
    backward: float

    @property
    def width(self) -> float:
        """The distance between the neighbours."""
        return self.forward + self.backward


def perturbation(path: str, array: AnyArray, position: int, eps: float) -> Perturbation:
    """Return the perturbation of one element by a step, in the data type of the array.

    Raises `InvalidOption` when the step is lost in the data type.
    """
    value = array.flat[position]
    with np.errstate(all="ignore"):  # what overflows is refused
        neighbours = np.array([value - eps, value, value + eps]).astype(array.dtype)
        below, middle, above = neighbours.real.astype(np.float64)
        distinct = below < middle < above and np.isfinite(above - below)
    if not distinct:
        raise InvalidOption(_lost(path, array, position, eps))
    return Perturbation(
        above=Neighbour(path=path, array=array, position=position, value=neighbours[2]),
        below=Neighbour(path=path, array=array, position=position, value=neighbours[0]),
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
    """Return the name of one element of an array; a scalar has no index.

    >>> element("x", (0, 1)), element("s", ())
    ('x[0, 1]', 's')
    """
    return f"{path}[{', '.join(map(str, index))}]" if index else path


def _lost(path: str, array: AnyArray, position: int, eps: float) -> str:
    value = array.flat[position]
    place = element(path, index_of(array.shape, position))
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
