"""The results of a check of gradients, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.gradients import to_double
from tesseract_runtime_workbench.check_gradients.perturbation import index_of
from tesseract_runtime_workbench.check_gradients.reference import Reference


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A derivative that deviates from its difference."""

    input_path: str
    output_path: str
    input_index: tuple[int, ...]
    output_index: tuple[int, ...]
    gradient: complex
    difference: complex


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Derivatives of one output by one input, as an endpoint and as differences give them.

    `gradients` are parallel to the arrays of the reference; only those that are `known` count.
    """

    endpoint: str
    reference: Reference
    gradients: AnyArray
    known: AnyArray
    rtol: float

    @classmethod
    def empty(cls, reference: Reference, endpoint: str, rtol: float) -> Comparison:
        """Return a comparison in which nothing is known yet."""
        gradients = np.zeros(reference.values.shape, np.complex128)
        known = np.zeros(gradients.shape, bool)
        return cls(
            endpoint=endpoint, reference=reference, gradients=gradients, known=known, rtol=rtol
        )

    def record(self, where: Any, gradient: AnyArray, positions: AnyArray) -> None:
        """Record what the endpoint gives: elements of a gradient at flat positions."""
        self.gradients[where] = to_double(gradient).ravel()[positions]
        self.known[where] = True

    @property
    def pair(self) -> str:
        """The paths of input and output."""
        return f"{self.reference.input_path} -> {self.reference.output_path}"

    @property
    def deviations(self) -> AnyArray:
        """The absolute deviations; infinite where a value is not finite."""
        with np.errstate(all="ignore"):
            return self._finite(abs(self.gradients - self.reference.values))

    @property
    def relative(self) -> AnyArray:
        """The deviations beyond the error bound of the differences, over the larger value.

        A derivative has failed where this is more than `rtol`.
        """
        with np.errstate(all="ignore"):
            beyond = np.maximum(self.deviations - self.reference.floor, 0.0)
            return self._finite(np.where(beyond == 0, 0.0, beyond / self._sizes))

    @property
    def checks(self) -> int:
        """The number of derivatives that were compared."""
        return int(np.count_nonzero(self.known))

    @property
    def failed(self) -> int:
        """The number of derivatives that deviate too much."""
        return int(np.count_nonzero(self.relative > self.rtol))

    @property
    def below_noise(self) -> bool:
        """Whether all derivatives but zeros are smaller than the error bound of differences."""
        sizes = self._sizes[self.known]
        return bool(np.any(sizes > 0) and np.all(sizes <= self.reference.floor[self.known]))

    def failures(self) -> Iterator[Failure]:
        """Yield the derivatives that deviate too much."""
        known = self.reference
        gradients = self.gradients if np.any(self.gradients.imag) else self.gradients.real
        for item in zip(*np.nonzero(self.relative > self.rtol), strict=True):
            yield Failure(
                input_path=known.input_path,
                output_path=known.output_path,
                input_index=index_of(known.input_shape, known.columns[item]),
                output_index=index_of(known.output_shape, known.rows[item]),
                gradient=gradients[item].item(),
                difference=known.values[item].item(),
            )

    @property
    def _sizes(self) -> AnyArray:
        sizes: AnyArray = np.maximum(abs(self.gradients), abs(self.reference.values))
        return sizes

    def _finite(self, values: AnyArray) -> AnyArray:
        """Return values with 0 where nothing is known, and infinity for what is not finite."""
        return np.where(self.known, np.where(np.isfinite(values), values, np.inf), 0.0)


@dataclass(frozen=True, kw_only=True)
class EndpointCheck:
    """The comparisons of one endpoint.

    `fault` is the reason why it gave no result, or none that could be compared; it counts as one
    more failure, and ends the check of this endpoint.
    """

    endpoint: str
    comparisons: Sequence[Comparison]
    fault: str | None = None

    @property
    def checks(self) -> int:
        """The number of derivatives that were checked, with the one that gave a fault."""
        return sum(c.checks for c in self.comparisons) + (self.fault is not None)

    @property
    def failed(self) -> int:
        """The number of checks that have failed."""
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
        """Whether the two differ."""
        deviation = abs(self.by_jvp - self.by_vjp)
        return not (math.isfinite(deviation) and deviation <= self.rtol * self.scale)


@dataclass(frozen=True, kw_only=True)
class DotProductCheck:
    """The dot products of random vectors; `fault` is as for an endpoint."""

    products: Sequence[DotProduct]
    fault: str | None = None

    @property
    def checks(self) -> int:
        """The number of dot products that were compared, with the one that gave a fault."""
        return len(self.products) + (self.fault is not None)

    @property
    def failed(self) -> int:
        """The number of checks that have failed."""
        return sum(product.failed for product in self.products) + (self.fault is not None)


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """The result of a whole check; `seed` repeats it."""

    seed: int
    endpoints: Sequence[EndpointCheck]
    dot_product: DotProductCheck | None

    @property
    def passed(self) -> bool:
        """Whether nothing has failed."""
        failed = sum(endpoint.failed for endpoint in self.endpoints)
        return not failed and (self.dot_product is None or not self.dot_product.failed)
