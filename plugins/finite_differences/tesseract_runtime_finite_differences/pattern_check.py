"""The check of a sparsity pattern by the change of outputs along a random direction."""

from __future__ import annotations

import math

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import GradientFailed
from runtime_core.gradients import Vector, machine_epsilon
from tesseract_runtime_finite_differences.colouring import Integers
from tesseract_runtime_finite_differences.sparsity import Part

_MOST_SHOWN = 5
_ROUNDINGS = 64  # of the largest element of an output


class PatternCheck:
    """Compares the change of outputs along a random direction with that by the Jacobian.

    `taken` are the steps of the elements. An entry that the pattern lacks is lost, or added to
    another one of its row: unless both steps happen to be equal, the change of that row differs.
    """

    def __init__(self, outputs: Vector, taken: Vector) -> None:
        self._taken = {path: array.ravel() for path, array in taken.items()}
        self._expected = {path: _zeros(array) for path, array in outputs.items()}
        self._sizes = {path: np.zeros(array.size) for path, array in outputs.items()}

    def add(self, part: Part) -> None:
        """Add the change by some derivatives."""
        changes = part.values * self._taken[part.path][part.columns]
        np.add.at(self._expected[part.output], part.rows, changes)
        np.add.at(self._sizes[part.output], part.rows, np.abs(changes))

    def compare(self, changes: Vector, tolerance: float, noise: Vector) -> None:
        """Raise `GradientFailed` with the rows whose change is another one.

        It may differ by `tolerance` times the change of the entries, and by the `noise`.
        """
        for output, expected in self._expected.items():
            found = changes[output].ravel()
            allowed = tolerance * self._sizes[output] + noise[output].ravel()
            (wrong,) = np.nonzero(~(np.abs(found - expected) <= allowed))
            if wrong.size:
                raise GradientFailed(_disagreement(output, changes[output].shape, wrong))


def rounding_of(outputs: Vector) -> dict[str, AnyArray]:
    """Return the noise of outputs by rounding, as much as the largest element has."""
    return {path: np.full(array.shape, _rounding(array)) for path, array in outputs.items()}


def _rounding(array: AnyArray) -> float:
    largest = float(np.max(np.abs(array), initial=0.0))
    return _ROUNDINGS * machine_epsilon(array.dtype) * largest


def _zeros(array: AnyArray) -> AnyArray:
    return np.zeros(array.size, np.complex128 if array.dtype.kind == "c" else np.float64)


def _disagreement(output: str, shape: tuple[int, ...], rows: Integers) -> str:
    shown = [tuple(map(int, np.unravel_index(row, shape))) for row in rows[:_MOST_SHOWN]]
    places = ", ".join(str(index[0] if len(index) == 1 else index) for index in shown)
    more = f" and {rows.size - len(shown)} more" if rows.size > len(shown) else ""
    return (
        f"The sparsity of {output!r} is wrong: {rows.size} of its {math.prod(shape)} elements "
        f"change along a random direction by something else than its entries say, at {places}"
        f"{more}. Add the missing entries; sparsity_check=False leaves this check out."
    )
