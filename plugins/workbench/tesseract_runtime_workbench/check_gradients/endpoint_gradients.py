"""The derivatives of gradient endpoints at the elements of a selection."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.arrays import AnyArray
from runtime_core.gradients import JACOBIAN, JVP, VJP, GradientSignature, one_hot
from tesseract_runtime_workbench.check_gradients.check_results import Comparison
from tesseract_runtime_workbench.check_gradients.sampled_elements import Selection, sample

Paths = Collection[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class EndpointGradients:
    """Calls gradient endpoints at one point, outside any run, each time with copies.

    Raises `AuthorError` if a function fails, and `InvalidResult` for results that do not fit.
    """

    runtime: Runtime
    inputs: BaseModel
    selection: Selection
    random: np.random.Generator

    def call(self, signature: GradientSignature, by: Paths, of: Paths, *vector: Any) -> Any:
        """Call an endpoint for the derivatives of outputs by inputs, perhaps times a vector."""
        fields = signature.keywords(self.inputs, sorted(by), sorted(of), *vector)
        # The inputs are validated already; validators could change them a second time.
        with self.runtime.evaluating():
            return self.runtime.plan(signature.endpoint).outputs(**deepcopy(fields))

    def record(self, endpoint: str, comparisons: Sequence[Comparison]) -> None:
        """Record the derivatives of an endpoint until one of its calls fails."""
        recorders = {
            JACOBIAN.endpoint: self._jacobian,
            JVP.endpoint: self._columns,
            VJP.endpoint: self._rows,
        }
        recorders[endpoint](comparisons)

    def _jacobian(self, comparisons: Sequence[Comparison]) -> None:
        """Record all derivatives from one Jacobian."""
        blocks = self.call(JACOBIAN, self.selection.inputs, self.selection.outputs)
        for each in comparisons:
            known = each.reference
            positions = known.rows * np.prod(known.input_shape, dtype=int) + known.columns
            each.record(..., blocks[known.output_path][known.input_path], positions)

    def _columns(self, comparisons: Sequence[Comparison]) -> None:
        """Record column by column, each with a tangent that moves one element."""
        for path, array in self.selection.inputs.items():
            columns = self.selection.columns[path]
            group = [each for each in comparisons if each.reference.input_path == path]
            stage = f"{JVP.endpoint} by {path}"
            for item, column in enumerate(self._tracked(columns, stage)):
                tangent = {path: one_hot(array, column)}
                product = self.call(JVP, tangent, self.selection.outputs, tangent)
                for each in group:
                    known = each.reference
                    each.record(item, product[known.output_path], known.rows[item])

    def _rows(self, comparisons: Sequence[Comparison]) -> None:
        """Record row by row, each with a cotangent that selects one element."""
        for path, array in self.selection.outputs.items():
            group = [each for each in comparisons if each.reference.output_path == path]
            rows = self._selected_rows(path, group)
            for row in self._tracked(rows, f"{VJP.endpoint} of {path}"):
                cotangent = {path: one_hot(array, row)}
                product = self.call(VJP, self.selection.inputs, cotangent, cotangent)
                for each in group:
                    known = each.reference
                    where = np.nonzero(known.rows == row)
                    each.record(where, product[known.input_path], known.columns[where])

    def _tracked(self, elements: AnyArray, stage: str) -> Iterator[Any]:
        return self.runtime.progress.track(elements, stage, elements.size)

    def _selected_rows(self, path: str, group: Sequence[Comparison]) -> AnyArray:
        """Return the selected rows, and a sample of those where a derivative is largest."""
        shared = self.selection.rows[path]
        found = np.concatenate([each.reference.rows.ravel() for each in group])
        others = np.setdiff1d(found, shared)
        some = sample(others.size, self.selection.most - shared.size, self.random)
        return np.concatenate([shared, others[some]])
