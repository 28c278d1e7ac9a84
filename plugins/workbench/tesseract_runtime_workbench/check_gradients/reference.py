"""The numeric reference of every gradient: central differences, each with an error bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    Point,
    Vector,
    attempt_in_order,
    machine_epsilon,
    shapes_of,
    to_double,
)
from runtime_core.terminal_progress import Progress
from tesseract_runtime_workbench.check_gradients.perturbation import Perturbation, perturbation
from tesseract_runtime_workbench.check_gradients.sampled_elements import Selection

ROUNDINGS = 4
"""The roundings of its largest element that an output may have; one is inevitable."""

NOISE = 10
"""The bound of the noise, in medians of half the difference between the slopes on both sides.

For evaluations with errors of standard deviation s, that of a central difference is 0.71 s over the
step, and the median is at least 0.48 s over the step: 10 medians are 6.7 standard deviations.
"""

ENOUGH = 4  # the fewest moved elements whose disagreements are typical

NEGLIGIBLE = 1e-6
"""Deviations below this share of the largest derivative of an output by an input are ignored."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """Central differences of one output by some elements of one input.

    The arrays are parallel: `columns` are flat positions in the input and `rows` in the output,
    `values` are the differences, and `floor` bounds their errors by rounding, noise and the length
    of the step.
    """

    input_path: str
    output_path: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    columns: AnyArray
    rows: AnyArray
    values: AnyArray
    floor: AnyArray


class _Slopes(NamedTuple):
    """Slopes of one output by one element of an input, or by several in stacked arrays.

    `width` is that of the perturbation, and `spread` half the difference between the slopes on both
    sides; at a kink every derivative between these is right.
    """

    width: AnyArray
    rows: AnyArray
    values: AnyArray
    spread: AnyArray


@dataclass(frozen=True, kw_only=True, eq=False)
class References:
    """The references of a selection, in which the elements whose differences failed are left out.

    `failures` are the messages of the evaluations that have failed.
    """

    selection: Selection
    found: Sequence[Reference]
    failures: Sequence[str]


def references(
    evaluations: Evaluations, selection: Selection, step: Callable[[str], float], progress: Progress
) -> References:
    """Differentiate every output by every input, with two evaluations an element.

    `step` returns the step of an input. Raises `GradientFailed` if nothing can be differentiated,
    because `apply` fails near the inputs.
    """
    perturbations = {
        path: [perturbation(path, array, at, step(path)) for at in selection.columns[path]]
        for path, array in selection.inputs.items()
    }
    kept: dict[str, AnyArray] = {}
    columns: dict[str, list[Mapping[str, _Slopes]]] = {}
    failures: list[str] = []
    for path, moves in perturbations.items():
        outputs = _outputs(evaluations, selection, moves)
        tracked = progress.track(moves, f"differences by {path}", len(moves))
        kept[path] = np.zeros(len(moves), bool)
        columns[path] = []
        for item, pair in enumerate(zip(tracked, outputs, outputs, strict=True)):
            failed = [str(side) for side in pair[1:] if isinstance(side, GradientFailed)]
            failures += failed[:1]
            if not failed:
                kept[path][item] = True
                columns[path].append(
                    {output: _column(selection, output, *pair) for output in selection.outputs}
                )
    if not any(columns.values()):
        raise GradientFailed(failures[0])
    selection = selection.of_columns(kept)
    some = {path: found for path, found in columns.items() if found}
    found = [each for output in selection.outputs for each in _of(output, selection, some)]
    return References(selection=selection, found=found, failures=failures)


def _outputs(
    evaluations: Evaluations, selection: Selection, moves: Sequence[Perturbation]
) -> Iterator[Any]:
    """Yield the outputs above and below each element, in turn, or `GradientFailed`."""
    points = (point for move in moves for point in move.points())
    advice = ". Choose other inputs, or another step with --eps-for."
    usual = shapes_of(selection.outputs)
    for point, outputs in attempt_in_order(evaluations, points, list(usual), advice):
        yield outputs if isinstance(outputs, GradientFailed) else _usual(usual, point, outputs)


def _usual(
    usual: Mapping[str, tuple[int, ...]], point: Point, outputs: Vector
) -> Vector | GradientFailed:
    """Return outputs of the usual shapes, or else the error."""
    for path, shape in shapes_of(outputs).items():
        if shape != usual[path]:
            return GradientFailed(
                f"Output {path!r} has the shape {shape} {point.place}, and {usual[path]} at "
                "the inputs themselves: no difference can be taken."
            )
    return outputs


def _column(
    selection: Selection, path: str, move: Perturbation, above: Vector, below: Vector
) -> _Slopes:
    """Return the slopes of one output by one element.

    A sample of rows ends with that of the largest slope: most elements of a large Jacobian are
    zero, and a random sample would miss the others.
    """
    high, middle, low = (to_double(v[path]).ravel() for v in (above, selection.outputs, below))
    with np.errstate(all="ignore"):  # what is not finite is reported as a failure
        values = (high - low) / move.width
        spread = abs((high - middle) / move.forward - (middle - low) / move.backward) / 2
    rows = selection.rows[path]
    if rows.size < values.size:
        rows = np.append(rows, np.argmax(abs(values)))
    return _Slopes(np.array([move.width]), rows, values[rows], spread[rows])


def _of(
    output: str, selection: Selection, columns: Mapping[str, Sequence[Mapping[str, _Slopes]]]
) -> Iterator[Reference]:
    """Yield the differences of one output by every input, with their floors.

    The noise belongs to the output, so the slopes by all inputs show it. Slopes by one input that
    show less count instead: the others bend the output.
    """
    slopes = {
        path: _Slopes(*map(np.stack, zip(*(column[output] for column in found), strict=True)))
        for path, found in columns.items()
    }
    bends = {path: each.spread * each.width for path, each in slopes.items()}
    every = np.concatenate(list(bends.values()))
    common = _typical(every) if len(every) >= ENOUGH else 0.0
    result = selection.outputs[output]
    for path, each in slopes.items():
        array = selection.inputs[path]
        relative = max(machine_epsilon(array.dtype), machine_epsilon(result.dtype))
        rounding = ROUNDINGS * relative * _largest(result)
        negligible = max(np.sqrt(relative), NEGLIGIBLE) * _largest(each.values)
        noise = NOISE * np.minimum(_typical(bends[path]), common)
        yield Reference(
            input_path=path,
            output_path=output,
            input_shape=array.shape,
            output_shape=result.shape,
            columns=np.broadcast_to(selection.columns[path][:, np.newaxis], each.rows.shape),
            rows=each.rows,
            values=each.values,
            floor=(rounding + noise) / each.width + negligible + each.spread,
        )


def _largest(values: AnyArray) -> float:
    """Return the largest finite magnitude."""
    return float(np.max(abs(values), initial=0.0, where=np.isfinite(values)))


def _typical(bends: AnyArray) -> AnyArray:
    """Return the median of the positive finite elements of each column."""
    moves = np.isfinite(bends) & (bends > 0)
    some = np.any(moves, axis=0)
    typical = np.zeros(some.size)
    typical[some] = np.nanmedian(np.where(moves, bends, np.nan)[:, some], axis=0)
    return typical
