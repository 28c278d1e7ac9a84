"""Readings: what a gradient endpoint says of the derivatives whose differences are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from tesseract_runtime_workbench.check_gradients.differences import Differences
from tesseract_runtime_workbench.check_gradients.gradients import JACOBIAN, JVP, VJP, Gradients
from tesseract_runtime_workbench.check_gradients.progress import Track, silent
from tesseract_runtime_workbench.check_gradients.results import Comparison
from tesseract_runtime_workbench.check_gradients.selection import Selection, sample
from tesseract_runtime_workbench.check_gradients.vectors import one_hot, wide


class Reading:
    """Derivatives of one output by one input, taken down as an endpoint gives them."""

    def __init__(self, differences: Differences) -> None:
        self.differences = differences
        self._gradients = np.zeros(differences.values.shape, np.complex128)
        self._known = np.zeros(differences.values.shape, bool)

    def of_block(self, block: AnyArray) -> None:
        """Take down derivatives from a block of the Jacobian."""
        known = self.differences
        flat = np.asarray(block).reshape(np.prod(known.output_shape, dtype=int), -1)
        self._note(..., flat[known.rows, known.columns[:, np.newaxis]])

    def of_column(self, item: int, column: AnyArray) -> None:
        """Take down derivatives of the output by one of the elements that were moved."""
        self._note(item, np.asarray(column).ravel()[self.differences.rows[item]])

    def of_row(self, row: int, gradient: AnyArray) -> None:
        """Take down derivatives of one element of the output."""
        where = np.nonzero(self.differences.rows == row)
        self._note(where, np.asarray(gradient).ravel()[self.differences.columns[where[0]]])

    def comparison(self, endpoint: str, rtol: float) -> Comparison:
        """Return what has been taken down, beside the differences."""
        differences, known = self.differences, self._known
        columns = np.broadcast_to(differences.columns[:, np.newaxis], known.shape)
        return Comparison(
            endpoint=endpoint,
            input_path=differences.input_path,
            output_path=differences.output_path,
            input_shape=differences.input_shape,
            output_shape=differences.output_shape,
            columns=columns[known],
            rows=differences.rows[known],
            gradients=_real(self._gradients[known]),
            differences=differences.values[known],
            floor=differences.floor[known],
            rtol=rtol,
        )

    def _note(self, where: Any, gradients: AnyArray) -> None:
        self._gradients[where] = wide(gradients)
        self._known[where] = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Reader:
    """Reads gradient endpoints at the elements of a selection."""

    gradients: Gradients
    selection: Selection
    random: np.random.Generator
    track: Track = silent

    def read(self, endpoint: str, readings: Sequence[Reading]) -> None:
        """Fill readings as far as the endpoint answers; raises what it raises."""
        _READERS[endpoint](self, readings)

    def jacobian(self, readings: Sequence[Reading]) -> None:
        """Read all derivatives from one Jacobian."""
        selection = self.selection
        blocks = self.gradients.jacobian(by=selection.inputs, of=selection.outputs)
        for reading in readings:
            known = reading.differences
            reading.of_block(blocks[known.output_path][known.input_path])

    def jvp(self, readings: Sequence[Reading]) -> None:
        """Read column by column, each with a tangent that moves one element."""
        for path, array in self.selection.inputs.items():
            columns = self.selection.columns[path]
            group = [reading for reading in readings if reading.differences.input_path == path]
            stage = self.track(enumerate(columns), f"{JVP} by {path}", len(columns))
            for item, column in stage:
                tangent = {path: one_hot(array, column)}
                answer = self.gradients.jvp(tangent, of=self.selection.outputs)
                for reading in group:
                    reading.of_column(item, answer[reading.differences.output_path])

    def vjp(self, readings: Sequence[Reading]) -> None:
        """Read row by row, each with a cotangent that asks for one element."""
        for path, array in self.selection.outputs.items():
            group = [reading for reading in readings if reading.differences.output_path == path]
            rows = self._rows(path, group)
            for row in self.track(rows, f"{VJP} of {path}", len(rows)):
                cotangent = {path: one_hot(array, row)}
                answer = self.gradients.vjp(cotangent, by=self.selection.inputs)
                for reading in group:
                    reading.of_row(row, answer[reading.differences.input_path])

    def _rows(self, path: str, group: Sequence[Reading]) -> AnyArray:
        """Return the rows to read: those selected, and some in which a derivative is largest."""
        shared = self.selection.rows[path]
        found = np.concatenate([reading.differences.rows.ravel() for reading in group])
        others = np.setdiff1d(found, shared)
        some = sample(others.size, self.selection.most - shared.size, self.random)
        return np.concatenate([shared, others[some]])


_READERS: Mapping[str, Callable[[Reader, Sequence[Reading]], None]] = MappingProxyType(
    {JACOBIAN: Reader.jacobian, JVP: Reader.jvp, VJP: Reader.vjp}
)


def _real(values: AnyArray) -> AnyArray:
    """Return complex numbers as real ones if they all are."""
    return values if np.any(values.imag) else values.real
