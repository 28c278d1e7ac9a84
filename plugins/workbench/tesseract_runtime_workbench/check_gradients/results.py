"""What a check of gradients has found, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runtime_core.arrays import AnyArray
from tesseract_runtime_workbench.check_gradients.steps import index_of


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A derivative that is not what the difference says."""

    endpoint: str
    input_path: str
    output_path: str
    input_index: tuple[int, ...]
    output_index: tuple[int, ...]
    gradient: complex
    difference: complex


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Derivatives of one output by one input, as an endpoint and as differences give them.

    All arrays have one item for each derivative: its flat positions in input and output, both
    values, and the deviation that the difference itself may have.
    """

    endpoint: str
    input_path: str
    output_path: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    columns: AnyArray
    rows: AnyArray
    gradients: AnyArray
    differences: AnyArray
    floor: AnyArray
    rtol: float

    @property
    def deviations(self) -> AnyArray:
        """Return the absolute deviations; infinite where a value is not finite."""
        with np.errstate(all="ignore"):
            return _finite(abs(self.gradients - self.differences))

    @cached_property
    def relative(self) -> AnyArray:
        """Return the deviations beyond what the differences can tell, over the larger value.

        A derivative has failed where this is more than `rtol`.
        """
        with np.errstate(all="ignore"):
            size = np.maximum(abs(self.gradients), abs(self.differences))
            beyond = np.maximum(self.deviations - self.floor, 0.0)
            return _finite(np.where(beyond == 0, 0.0, beyond / size))

    @property
    def checks(self) -> int:
        """Return how many derivatives were compared."""
        return self.gradients.size

    @property
    def failed(self) -> int:
        """Return how many of them deviate too much."""
        return int(np.count_nonzero(self.relative > self.rtol))

    @property
    def blind(self) -> bool:
        """Say whether all derivatives, zeros apart, are smaller than differences can tell."""
        size = np.maximum(abs(self.gradients), abs(self.differences))
        return bool(np.any(size > 0) and np.all(size <= self.floor))

    def failures(self) -> Iterator[Failure]:
        """Yield the derivatives that deviate too much."""
        for item in np.flatnonzero(self.relative > self.rtol):
            yield Failure(
                endpoint=self.endpoint,
                input_path=self.input_path,
                output_path=self.output_path,
                input_index=index_of(self.input_shape, self.columns[item]),
                output_index=index_of(self.output_shape, self.rows[item]),
                gradient=self.gradients[item].item(),
                difference=self.differences[item].item(),
            )


@dataclass(frozen=True, kw_only=True)
class EndpointCheck:
    """Everything that was found of one endpoint.

    `fault` says why it gave no answer, or none that could be compared; it is one more failure,
    and ends the check of this endpoint.
    """

    endpoint: str
    comparisons: Sequence[Comparison]
    fault: str | None = None

    @property
    def checks(self) -> int:
        """Return how many derivatives were checked, with the one that gave a fault."""
        return sum(c.checks for c in self.comparisons) + (self.fault is not None)

    @property
    def failed(self) -> int:
        """Return how many of the checks have failed."""
        return sum(c.failed for c in self.comparisons) + (self.fault is not None)

    def failures(self) -> Iterator[Failure]:
        """Yield the derivatives that deviate too much."""
        for comparison in self.comparisons:
            yield from comparison.failures()


@dataclass(frozen=True, kw_only=True)
class DotProduct:
    """One number computed twice: `<cotangent, J tangent>` and `<J^T cotangent, tangent>`.

    `scale` is the length of the vector of products that are added up: the order of magnitude of
    the sum, unless the terms happen to cancel.
    """

    by_jvp: complex
    by_vjp: complex
    scale: float
    rtol: float

    @property
    def failed(self) -> bool:
        """Say whether the two are not the same."""
        deviation = abs(self.by_jvp - self.by_vjp)
        return not (math.isfinite(deviation) and deviation <= self.rtol * self.scale)


@dataclass(frozen=True, kw_only=True)
class DotProductCheck:
    """The dot products of random vectors with both products; `fault` is as for an endpoint."""

    products: Sequence[DotProduct]
    fault: str | None = None

    @property
    def checks(self) -> int:
        """Return how many dot products were compared, with the one that gave a fault."""
        return len(self.products) + (self.fault is not None)

    @property
    def failed(self) -> int:
        """Return how many of the checks have failed."""
        return sum(product.failed for product in self.products) + (self.fault is not None)


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """The result of a whole check; `seed` repeats it."""

    seed: int
    endpoints: Sequence[EndpointCheck]
    dot_product: DotProductCheck | None

    @property
    def passed(self) -> bool:
        """Say whether nothing has failed."""
        failed = sum(endpoint.failed for endpoint in self.endpoints)
        return not failed and (self.dot_product is None or not self.dot_product.failed)


def _finite(values: AnyArray) -> AnyArray:
    return np.where(np.isfinite(values), values, np.inf)
