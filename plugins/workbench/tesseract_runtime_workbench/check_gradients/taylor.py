"""The Taylor test: the order of the remainder along random directions, without a chosen step.

Along a direction d and weighted by a cotangent c, a function f has the remainder
`c f(x + e d) - c f(x) - e <c, J d>`, which falls with the square of e where the Jacobian is right,
and with e where it is not. Second derivatives are tested by the even part,
`c f(x + e d) + c f(x - e d) - 2 c f(x) - e^2 <d, H d>`: of order 4 if right, 2 if not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    HVP,
    JACOBIAN,
    JVP,
    VJP,
    Point,
    Vector,
    attempt_in_order,
    machine_epsilon,
    to_double,
)
from tesseract_runtime_workbench.check_gradients.check_results import Remainder
from tesseract_runtime_workbench.check_gradients.dot_product import random_vector, terms
from tesseract_runtime_workbench.check_gradients.endpoint_gradients import EndpointGradients
from tesseract_runtime_workbench.check_gradients.sampled_elements import Selection

DIRECTIONS = 3

_FACTOR = 4.0  # between steps, whose multiples are exact


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """Outputs along a random direction, weighted by a random cotangent.

    `above` and `below` are parallel to `steps`, and NaN where `apply` has failed; `rounding` bounds
    the error of either.
    """

    tangent: Vector
    cotangent: Vector
    steps: AnyArray
    middle: complex
    above: AnyArray
    below: AnyArray
    rounding: float

    def first(self, slope: complex) -> Remainder:
        """Return the remainder of a first derivative along the direction."""
        with np.errstate(all="ignore"):
            rest = abs(self.above - self.middle - self.steps * slope)
        floor = self.rounding + machine_epsilon(np.dtype(float)) * abs(slope)
        return Remainder(steps=self.steps, sizes=rest, floor=floor, expected=2, lost=1)

    def second(self, curvature: complex) -> Remainder:
        """Return the even remainder of a second derivative along the direction."""
        with np.errstate(all="ignore"):
            rest = abs(self.above + self.below - 2 * self.middle - self.steps**2 * curvature)
        return Remainder(steps=self.steps, sizes=rest, floor=4 * self.rounding, expected=4, lost=2)


def lines(
    evaluations: Evaluations,
    selection: Selection,
    random: np.random.Generator,
    failures: list[str],
    *,
    both_sides: bool,
) -> list[Line]:
    """Evaluate along random directions; messages of evaluations that fail go to `failures`."""
    return [
        _line(evaluations, selection, random, failures, both_sides=both_sides)
        for _ in range(DIRECTIONS)
    ]


def _line(
    evaluations: Evaluations,
    selection: Selection,
    random: np.random.Generator,
    failures: list[str],
    *,
    both_sides: bool,
) -> Line:
    tangent = _scaled(random_vector(selection.inputs, random), selection.inputs)
    cotangent = random_vector(selection.outputs, random)
    epsilons = [machine_epsilon(array.dtype) for array in selection.inputs.values()]
    precision = max(epsilons + [machine_epsilon(a.dtype) for a in selection.outputs.values()])
    steps = _FACTOR ** np.arange(-2.0, np.log(precision) / np.log(_FACTOR) / 2 - 1, -1.0)
    sides = np.concatenate([steps, -steps]) if both_sides else steps
    points = (_moved(selection.inputs, tangent, float(step)) for step in sides)
    values = np.full(2 * steps.size, np.nan, complex)
    found = attempt_in_order(evaluations, points, list(selection.outputs))
    for item, (_, outputs) in enumerate(found):
        if isinstance(outputs, GradientFailed):
            failures.append(str(outputs))
        else:
            values[item] = terms(cotangent, outputs).sum()
    weighted = terms(cotangent, selection.outputs)
    return Line(
        tangent=tangent,
        cotangent=cotangent,
        steps=steps,
        middle=weighted.sum(),
        above=values[: steps.size],
        below=values[steps.size :],
        rounding=precision * float(np.sum(abs(weighted))),
    )


def _scaled(tangent: Vector, inputs: Vector) -> dict[str, Any]:
    """Return a direction whose parts are as large as the inputs, or normal where these are 0."""
    sizes = {path: np.sqrt(np.mean(abs(array) ** 2)) or 1.0 for path, array in inputs.items()}
    return {p: (array * sizes[p]).astype(inputs[p].dtype)[()] for p, array in tangent.items()}


def _moved(inputs: Vector, tangent: Vector, step: float) -> Point:
    changes = {path: (a + step * tangent[path]).astype(a.dtype) for path, a in inputs.items()}
    return Point(changes=changes, place=f"at {step:g} of a random direction from the inputs")


def remainders(gradients: EndpointGradients, endpoint: str, line: Line) -> Remainder:
    """Return the remainder of an endpoint along a line; raises the errors of the endpoint."""
    return _REMAINDERS[endpoint](gradients, line)


def _of_jacobian(gradients: EndpointGradients, line: Line) -> Remainder:
    blocks = gradients.call(JACOBIAN, line.tangent, line.cotangent)
    slope = sum(
        np.vdot(np.conj(to_double(weights)), np.tensordot(block, along, np.ndim(along)))
        for output, weights in line.cotangent.items()
        for along, block in zip(line.tangent.values(), _in_order(blocks[output], line), strict=True)
    )
    return line.first(complex(slope))


def _in_order(row: Mapping[str, AnyArray], line: Line) -> Iterator[AnyArray]:
    return (to_double(row[path]) for path in line.tangent)


def _of_jvp(gradients: EndpointGradients, line: Line) -> Remainder:
    product = gradients.call(JVP, line.tangent, line.cotangent, line.tangent)
    return line.first(terms(line.cotangent, product).sum())


def _of_vjp(gradients: EndpointGradients, line: Line) -> Remainder:
    product = gradients.call(VJP, line.tangent, line.cotangent, line.cotangent)
    return line.first(terms(line.tangent, product).sum())


def _of_hvp(gradients: EndpointGradients, line: Line) -> Remainder:
    vectors = line.cotangent, line.tangent
    product = gradients.call(HVP, line.tangent, line.cotangent, *vectors)
    return line.second(terms(line.tangent, product).sum())


_REMAINDERS: Mapping[str, Callable[[EndpointGradients, Line], Remainder]] = MappingProxyType(
    {
        JACOBIAN.endpoint: _of_jacobian,
        JVP.endpoint: _of_jvp,
        VJP.endpoint: _of_vjp,
        HVP.endpoint: _of_hvp,
    }
)
