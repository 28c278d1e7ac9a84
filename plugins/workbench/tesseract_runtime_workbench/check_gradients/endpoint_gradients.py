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
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    JACOBIAN,
    JVP,
    VJP,
    GradientSignature,
    ResultCheck,
    Vector,
    one_hot,
    stack,
    takes_batch,
    to_double,
)
from tesseract_runtime_workbench.check_gradients.check_results import Comparison
from tesseract_runtime_workbench.check_gradients.sampled_elements import Selection, sample

Paths = Collection[str]

_BATCH = 16
"""The most vectors that are also multiplied in one batch."""

_ROUNDING = 1e-5
"""The relative deviation by which a batch may be rounded otherwise than its vectors alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EndpointGradients:
    """Calls gradient endpoints at one point, outside any run, each time with copies.

    Raises `AuthorError` if a function fails, and `InvalidResult` for results that do not fit.
    """

    runtime: Runtime
    inputs: BaseModel
    selection: Selection
    random: np.random.Generator

    def call(
        self, signature: GradientSignature, by: Paths, of: Paths, *vector: Any, **batch: int
    ) -> Any:
        """Call an endpoint for the derivatives of outputs by inputs, perhaps times vectors."""
        fields = signature.keywords(self.inputs, sorted(by), sorted(of), *vector)
        # The inputs are validated already; validators could change them a second time.
        with self.runtime.evaluating():
            return self.runtime.plan(signature.endpoint).outputs(**deepcopy(fields), **batch)

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
            products = self._products(JVP, path, array, columns, self.selection.outputs)
            for item, product in enumerate(products):
                for each in group:
                    known = each.reference
                    each.record(item, product[known.output_path], known.rows[item])

    def _rows(self, comparisons: Sequence[Comparison]) -> None:
        """Record row by row, each with a cotangent that selects one element."""
        for path, array in self.selection.outputs.items():
            group = [each for each in comparisons if each.reference.output_path == path]
            rows = self._selected_rows(path, group)
            products = self._products(VJP, path, array, rows, self.selection.inputs)
            for row, product in zip(rows, products, strict=True):
                for each in group:
                    known = each.reference
                    where = np.nonzero(known.rows == row)
                    each.record(where, product[known.input_path], known.columns[where])

    def _products(
        self, signature: GradientSignature, path: str, array: AnyArray, at: AnyArray, other: Paths
    ) -> Iterator[Any]:
        """Yield the products with vectors that are 1 at one element of one array.

        A function that takes a batch also gets the first vectors together.
        """
        by = signature is JVP
        first: list[tuple[Vector, Vector]] = []
        stage = f"{signature.endpoint} {'by' if by else 'of'} {path}"
        for position in self.runtime.progress.track(at, stage, at.size):
            vector = {path: one_hot(array, position)}
            paths = (vector, other) if by else (other, vector)
            product = self.call(signature, *paths, vector)
            if len(first) < _BATCH:
                first.append((vector, deepcopy(product)))
            yield product
        if first and takes_batch(self.runtime.function(signature.endpoint)):
            self._check_batch(signature, paths, *zip(*first, strict=True))

    def _check_batch(
        self,
        signature: GradientSignature,
        paths: tuple[Paths, Paths],
        vectors: Sequence[Vector],
        products: Sequence[Vector],
    ) -> None:
        """Raise `GradientFailed` if vectors of a batch have other products than they have alone."""
        size, check = len(vectors), ResultCheck(subject=signature.endpoint, error=GradientFailed)
        found = self.call(signature, *paths, stack(vectors, size, check), batch=size)
        for path, alone in stack(products, size, check).items():
            one, other = to_double(found[path]), to_double(alone)
            near = np.isclose(one, other, rtol=_ROUNDING, atol=_ROUNDING * _largest(other))
            if not np.all(near | (np.isnan(one) & np.isnan(other))):
                where = tuple(np.argwhere(~near)[0])
                raise GradientFailed(
                    f"{signature.endpoint} of {path!r} returned {one[where]:.6g} at "
                    f"{list(map(int, where[1:]))} for vector {where[0]} of a batch of {size}, and "
                    f"{other[where]:.6g} for the same vector alone."
                )

    def _selected_rows(self, path: str, group: Sequence[Comparison]) -> AnyArray:
        """Return the selected rows, and a sample of those where a derivative is largest."""
        shared = self.selection.rows[path]
        found = np.concatenate([each.reference.rows.ravel() for each in group])
        others = np.setdiff1d(found, shared)
        some = sample(others.size, self.selection.most - shared.size, self.random)
        return np.concatenate([shared, others[some]])


def _largest(array: AnyArray) -> float:
    return float(np.max(abs(array), initial=0.0, where=np.isfinite(array)))
