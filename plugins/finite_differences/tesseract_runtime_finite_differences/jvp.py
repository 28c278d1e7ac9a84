"""Products of the Jacobian with a tangent: differences along one direction."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

import numpy as np

from runtime_core.contracts import Evaluations
from tesseract_runtime_finite_differences.differences import derivative_dtype, difference
from tesseract_runtime_finite_differences.points import (
    AnyArray,
    Arrays,
    DirectionPoint,
    moved,
    values_at,
)
from tesseract_runtime_finite_differences.scheme import Scheme, smallest_steps


def jacobian_vector_product(
    evaluations: Evaluations,
    inputs: Arrays,
    outputs: Collection[str],
    tangents: Arrays,
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Return the Jacobian times the tangent, each array of the shape and type of its output.

    Takes two evaluations: on both sides, or one beside the base where the scheme is `forward`.
    """
    step = _step(inputs, tangents, scheme)
    upper = _along(inputs, tangents, step)
    lower = _along(inputs, tangents, _LOWER_SIDE[scheme.algorithm] * step)
    (_, above), (_, below) = values_at(evaluations, [upper, lower], outputs)
    taken = _taken(upper, lower, tangents) or step
    return {
        path: (change / taken).astype(derivative_dtype(above[path].dtype))
        for path, change in difference(above, below, upper).items()
    }


_LOWER_SIDE = MappingProxyType({"central": -1.0, "forward": 0.0, "stochastic": -1.0})
"""Where the second evaluation is, in steps; a stochastic estimate would gain nothing here."""


def _along(inputs: Arrays, tangents: Arrays, step: float) -> DirectionPoint:
    changes = {path: moved(array, step * tangents[path]) for path, array in inputs.items()}
    return DirectionPoint(changes=changes, direction="the tangent")


def _step(inputs: Arrays, tangents: Arrays, scheme: Scheme) -> float:
    """Return the factor of the tangent: that of the input that bears the smallest one."""
    moving = [path for path in inputs if _size(tangents[path])]
    if not moving:
        return 1.0
    step = min(_step_of(path, inputs[path], tangents[path], scheme) for path in moving)
    return max(step, min(_smallest_step(inputs[path], tangents[path]) for path in moving))


def _step_of(path: str, array: AnyArray, tangent: AnyArray, scheme: Scheme) -> float:
    step = scheme.step(path)
    if step == "auto":
        unit = tangent / np.max(np.abs(tangent))
        magnitude = _size(array * unit) / _size(unit)  # of what moves, weighted by how far
        return scheme.relative_step(array.dtype) * (magnitude or 1.0) / _size(tangent)
    return step


def _smallest_step(array: AnyArray, tangent: AnyArray) -> float:
    """Return the factor at which the data type of an input can tell it from its base."""
    return float(np.max(smallest_steps(array)) / np.max(np.abs(tangent)))


def _size(array: AnyArray) -> float:
    """Return the root of the mean square, which does not overflow where the elements do not."""
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0:
        return 0.0
    return largest * float(np.sqrt(np.mean((array.astype(np.float64) / largest) ** 2)))


def _taken(upper: DirectionPoint, lower: DirectionPoint, tangents: Arrays) -> float:
    """Return the step that was really taken along the tangent, after rounding."""
    largest = max((float(np.max(np.abs(v), initial=0.0)) for v in tangents.values()), default=0.0)
    if largest == 0:
        return 0.0
    along = weight = 0.0
    for path, tangent in tangents.items():
        unit = np.ravel(tangent) / largest
        taken = upper.changes[path].astype(np.float64) - lower.changes[path].astype(np.float64)
        along += float(np.dot(np.ravel(taken), unit))
        weight += float(np.dot(unit, unit))
    return along / weight / largest
