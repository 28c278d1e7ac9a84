"""Central differences: the numeric reference of every gradient.

Each is a slope, together with the deviation from the derivative that it may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from runtime_core.arrays import AnyArray
from tesseract_runtime_workbench.check_gradients.selection import Selection
from tesseract_runtime_workbench.check_gradients.slopes import Slopes
from tesseract_runtime_workbench.check_gradients.steps import precision

ROUNDINGS = 4
"""So many roundings of its largest element are allowed in an output; one is inevitable."""

NOISE = 10
"""So many times the typical disagreement of the slopes on both sides is taken for noise.

Where evaluations have errors of standard deviation s, a central difference has one of 0.71 s over
the step. Half the disagreement of the slopes has a median of 0.48 s over the step or more, more
where the evaluation in the middle, which all have in common, is off: 10 medians are 6.7 standard
deviations.
"""

ENOUGH = 4
"""So many elements must be moved before their disagreements are typical of anything."""

NEGLIGIBLE = 1e-6
"""A deviation by this share of the largest derivative of an output by an input is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """Differences of one output by some elements of one input.

    `columns` are flat positions in the input. The other arrays have a row for each of them: `rows`
    are flat positions in the output, `values` the derivatives there, and `floor` the deviation
    that rounding, noise and the length of the step may have brought in.
    """

    input_path: str
    output_path: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    columns: AnyArray
    rows: AnyArray
    values: AnyArray
    floor: AnyArray


def differences(slopes: Sequence[Slopes], selection: Selection) -> Iterator[Differences]:
    """Yield the differences of every output by every input.

    The noise is that of an output, whatever is moved, so that the slopes by all inputs tell of it;
    where those by one input tell of less, because the others bend the output, that counts.
    """
    for path in selection.outputs:
        found = [each for each in slopes if each.output_path == path]
        every = np.concatenate([each.bends for each in found])
        common = _typical(every) if len(every) >= ENOUGH else 0.0
        for each in found:
            noise = NOISE * np.minimum(_typical(each.bends), common) / each.widths
            yield _judged(each, selection, noise)


def _judged(slopes: Slopes, selection: Selection, noise: AnyArray) -> Differences:
    """Return slopes with the deviation that they may have."""
    array = selection.inputs[slopes.input_path]
    result = selection.outputs[slopes.output_path]
    relative = max(precision(array.dtype), precision(result.dtype))
    rounding = ROUNDINGS * relative * _largest(result) / slopes.widths
    negligible = max(np.sqrt(relative), NEGLIGIBLE) * _largest(slopes.values)
    return Differences(
        input_path=slopes.input_path,
        output_path=slopes.output_path,
        input_shape=array.shape,
        output_shape=result.shape,
        columns=selection.columns[slopes.input_path],
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
