"""Slopes: how outputs change when one element of an input is moved up and down.

Two evaluations give the slopes of all outputs by that element.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.calls.faults import exception_text
from runtime_core.contracts import Evaluations
from runtime_core.errors import AuthorError
from runtime_core.errors import GradientFailed
from tesseract_runtime_workbench.check_gradients.progress import Track
from tesseract_runtime_workbench.check_gradients.progress import silent
from tesseract_runtime_workbench.check_gradients.selection import Selection
from tesseract_runtime_workbench.check_gradients.steps import Step
from tesseract_runtime_workbench.check_gradients.steps import element
from tesseract_runtime_workbench.check_gradients.steps import index_of
from tesseract_runtime_workbench.check_gradients.steps import moved
from tesseract_runtime_workbench.check_gradients.vectors import Vector
from tesseract_runtime_workbench.check_gradients.vectors import wide


@dataclass(frozen=True, kw_only=True, eq=False)
class Slopes:
    """Slopes of one output by some elements of one input.

    `widths` are those of the steps, one below the other. The other arrays have a row for each of
    them: `rows` are flat positions in the output, `values` the slopes there between both
    neighbours, and `spread` half the disagreement of the slopes on both sides, between which every
    derivative lies at a kink.
    """

    input_path: str
    output_path: str
    widths: AnyArray
    rows: AnyArray
    values: AnyArray
    spread: AnyArray

    @property
    def bends(self) -> AnyArray:
        """Return how far the outputs are off a straight line."""
        return self.spread * self.widths


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbourhood:
    """The inputs near those of a selection, where `apply` is evaluated."""

    evaluations: Evaluations
    selection: Selection
    track: Track = silent

    def slopes(self, path: str, steps: Sequence[Step]) -> list[Slopes]:
        """Return the slopes of every output by the elements of one input that these steps move.

        Raises `GradientFailed` where `apply` fails so near to where it did not.
        """
        answers = self._answers(path, steps)
        pairs = zip(steps, answers, answers, strict=True)
        columns = [
            {output: self._column(output, *pair) for output in self.selection.outputs}
            for pair in self.track(pairs, f"differences by {path}", len(steps))
        ]
        widths = np.array([[step.width] for step in steps])
        return [
            _stacked(path, output, widths, [column[output] for column in columns])
            for output in self.selection.outputs
        ]

    def _answers(self, path: str, steps: Sequence[Step]) -> Iterator[Vector]:
        """Yield the outputs above and below each element, in turn."""
        pending: deque[tuple[str, Future[Vector]]] = deque()
        for step in steps:
            for value in (step.above, step.below):
                if len(pending) >= max(self.evaluations.concurrency, 1):
                    yield self._answer(*pending.popleft())
                pending.append(self._submitted(path, step.position, value))
        while pending:
            yield self._answer(*pending.popleft())

    def _submitted(self, path: str, position: int, value: Any) -> tuple[str, Future[Vector]]:
        array = self.selection.inputs[path]
        change = {path: moved(array, position, value)}
        place = f"{element(path, index_of(array.shape, position))} is {value}"
        return place, self.evaluations.submit(change, list(self.selection.outputs))

    def _answer(self, place: str, future: Future[Vector]) -> Vector:
        try:
            answer = future.result()
        except Exception as error:  # an author's function may raise anything
            cause = error.cause if isinstance(error, AuthorError) else error
            raise GradientFailed(
                f"apply failed when {place}: {exception_text(cause)}. Choose other inputs, or "
                "another step with --eps-for."
            ) from cause
        for path, array in answer.items():
            usual = self.selection.outputs[path].shape
            if array.shape != usual:
                raise GradientFailed(
                    f"Output {path!r} has the shape {array.shape} when {place}, and {usual} at "
                    "the inputs themselves: there is no difference between the two."
                )
        return answer

    def _column(self, path: str, step: Step, above: Vector, below: Vector) -> _Column:
        high, middle, low = (wide(v[path]).ravel() for v in (above, self.selection.outputs, below))
        with np.errstate(all="ignore"):  # what is not finite is reported as a failure
            values = (high - low) / step.width
            spread = abs((high - middle) / step.forward - (middle - low) / step.backward) / 2
        rows = self.selection.rows[path]
        if rows.size < values.size:
            rows = np.append(rows, np.argmax(abs(values)))
        return _Column(rows=rows, values=values[rows], spread=spread[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Column:
    """Slopes of an output by one element.

    Where the rows are a sample, that with the largest slope is the last: of a large Jacobian most
    elements are zero, and a sample alone would find no others.
    """

    rows: AnyArray
    values: AnyArray
    spread: AnyArray


def _stacked(path: str, output: str, widths: AnyArray, columns: Sequence[_Column]) -> Slopes:
    return Slopes(
        input_path=path,
        output_path=output,
        widths=widths,
        rows=np.stack([column.rows for column in columns]),
        values=np.stack([column.values for column in columns]),
        spread=np.stack([column.spread for column in columns]),
    )
