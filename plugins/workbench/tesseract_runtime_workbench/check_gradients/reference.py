"""The numeric reference of every gradient: central differences, each with its own error bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from runtime_core.arrays.coercion import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import Vector, evaluate_in_order, machine_epsilon, to_double
from tesseract_runtime_workbench.check_gradients.perturbation import Neighbour, Perturbation
from tesseract_runtime_workbench.check_gradients.progress import Track, silent
from tesseract_runtime_workbench.check_gradients.selection import Selection

ROUNDINGS = 4
"""The number of roundings of its largest element that an output may have; one is inevitable."""

NOISE = 10
"""The bound of the noise, in typical disagreements of the slopes on both sides.

Where evaluations have errors of standard deviation s, a central difference has one of 0.71 s over
the step. Half the disagreement of the slopes has a median of 0.48 s over the step or more, more
where the evaluation in the middle, which all have in common, is off: 10 medians are 6.7 standard
deviations.
"""

ENOUGH = 4
"""The number of moved elements from which on their disagreements are typical."""

NEGLIGIBLE = 1e-6
"""The share of the largest derivative of an output by an input that is no deviation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """Central differences of one output by some elements of one input.

    The arrays are parallel: `columns` are flat positions in the input and `rows` in the output,
    `values` are the differences, and `floor` is the deviation from the derivative that rounding,
    noise and the length of the step can cause.
    """

    input_path: str
    output_path: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    columns: AnyArray
    rows: AnyArray
    values: AnyArray
    floor: AnyArray

    def where(self, mask: AnyArray) -> Reference:
        """Return the differences at which a mask is true, in flat arrays."""
        return replace(
            self,
            columns=self.columns[mask],
            rows=self.rows[mask],
            values=self.values[mask],
            floor=self.floor[mask],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Slopes:
    """Slopes of one output by some elements of one input; the arrays have a row for each element.

    `widths` are those of the perturbations, one below the other. `spread` is half the disagreement
    of the slopes on both sides, between which every derivative lies at a kink.
    """

    input_path: str
    output_path: str
    widths: AnyArray
    rows: AnyArray
    values: AnyArray
    spread: AnyArray

    @property
    def bends(self) -> AnyArray:
        """The distances of the outputs from a straight line."""
        return self.spread * self.widths


def references(
    evaluations: Evaluations,
    selection: Selection,
    perturbations: Mapping[str, Sequence[Perturbation]],
    track: Track = silent,
) -> list[Reference]:
    """Return the differences of every output by every input, with two evaluations an element.

    Raises `GradientFailed` where `apply` fails near the inputs.
    """
    slopes = [
        each
        for path, moves in perturbations.items()
        for each in _slopes(evaluations, selection, path, moves, track)
    ]
    return [
        reference
        for output in selection.outputs
        for reference in _bounded(
            [each for each in slopes if each.output_path == output], selection
        )
    ]


def _slopes(
    evaluations: Evaluations,
    selection: Selection,
    path: str,
    moves: Sequence[Perturbation],
    track: Track,
) -> Iterator[_Slopes]:
    """Yield the slopes of every output by the elements of one input that are moved."""
    outputs = _outputs(evaluations, selection, moves)
    pairs = track(zip(moves, outputs, outputs, strict=True), f"differences by {path}", len(moves))
    columns = [
        {output: _column(selection, output, *pair) for output in selection.outputs}
        for pair in pairs
    ]
    for output in selection.outputs:
        rows, values, spread = map(
            np.stack, zip(*(column[output] for column in columns), strict=True)
        )
        yield _Slopes(
            input_path=path,
            output_path=output,
            widths=np.array([[move.width] for move in moves]),
            rows=rows,
            values=values,
            spread=spread,
        )


def _outputs(
    evaluations: Evaluations, selection: Selection, moves: Sequence[Perturbation]
) -> Iterator[Vector]:
    """Yield the outputs above and below each element, in turn."""
    points = (side for move in moves for side in (move.above, move.below))
    advice = ". Choose other inputs, or another step with --eps-for."
    for point, outputs in evaluate_in_order(
        evaluations, points, list(selection.outputs), advice=advice
    ):
        _refuse_other_shape(outputs, selection.outputs, point)
        yield outputs


def _refuse_other_shape(outputs: Vector, usual: Vector, point: Neighbour) -> None:
    for path, array in outputs.items():
        if array.shape != usual[path].shape:
            raise GradientFailed(
                f"Output {path!r} has the shape {array.shape} {point.place}, and "
                f"{usual[path].shape} at the inputs themselves: there is no difference between "
                "the two."
            )


def _column(
    selection: Selection, path: str, move: Perturbation, above: Vector, below: Vector
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return rows, slopes and spread of one output by one element.

    Where the rows are a sample, that with the largest slope is the last: of a large Jacobian most
    elements are zero, and a sample alone would find no others.
    """
    high, middle, low = (to_double(v[path]).ravel() for v in (above, selection.outputs, below))
    with np.errstate(all="ignore"):  # what is not finite is reported as a failure
        values = (high - low) / move.width
        spread = abs((high - middle) / move.forward - (middle - low) / move.backward) / 2
    rows = selection.rows[path]
    if rows.size < values.size:
        rows = np.append(rows, np.argmax(abs(values)))
    return rows, values[rows], spread[rows]


def _bounded(slopes: Sequence[_Slopes], selection: Selection) -> Iterator[Reference]:
    """Yield the differences of one output by every input, with their floors.

    The noise is that of the output, whatever is moved, so that the slopes by all inputs show it;
    where those by one input show less, because the others bend the output, that counts.
    """
    bends = np.concatenate([each.bends for each in slopes])
    common = _typical(bends) if len(bends) >= ENOUGH else 0.0
    for each in slopes:
        noise = NOISE * np.minimum(_typical(each.bends), common) / each.widths
        yield _reference(each, selection, noise)


def _reference(slopes: _Slopes, selection: Selection, noise: AnyArray) -> Reference:
    array, output = selection.inputs[slopes.input_path], selection.outputs[slopes.output_path]
    relative = max(machine_epsilon(array.dtype), machine_epsilon(output.dtype))
    rounding = ROUNDINGS * relative * _largest(output) / slopes.widths
    negligible = max(np.sqrt(relative), NEGLIGIBLE) * _largest(slopes.values)
    columns = selection.columns[slopes.input_path][:, np.newaxis]
    return Reference(
        input_path=slopes.input_path,
        output_path=slopes.output_path,
        input_shape=array.shape,
        output_shape=output.shape,
        columns=np.broadcast_to(columns, slopes.rows.shape),
        rows=slopes.rows,
        values=slopes.values,
        floor=rounding + negligible + slopes.spread + noise,
    )


def _largest(values: AnyArray) -> float:
    """Return the largest finite magnitude."""
    return float(np.max(abs(values), initial=0.0, where=np.isfinite(values)))


def _typical(bends: AnyArray) -> AnyArray:
    """Return the median of each column of an array, without what is zero or not finite."""
    moves = np.isfinite(bends) & (bends > 0)
    some = np.any(moves, axis=0)
    typical = np.zeros(some.size)
    typical[some] = np.nanmedian(np.where(moves, bends, np.nan)[:, some], axis=0)
    return typical
