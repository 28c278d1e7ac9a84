"""The results of a check of gradients, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.gradients import to_double
from tesseract_runtime_workbench.check_gradients.reference import Reference


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Derivatives of one output by one input, from an endpoint and from differences.

    `gradients` are parallel to the arrays of the reference; only those that are `known` count.
    """

    reference: Reference
    gradients: AnyArray
    known: AnyArray
    rtol: float

    @classmethod
    def empty(cls, reference: Reference, rtol: float) -> Comparison:
        """Make a comparison in which no gradient is known yet."""
        gradients = np.zeros(reference.values.shape, np.complex128)
        known = np.zeros(gradients.shape, bool)
        return cls(reference=reference, gradients=gradients, known=known, rtol=rtol)

    def record(self, where: Any, gradient: AnyArray, positions: AnyArray) -> None:
        """Record elements of an endpoint's gradient, at flat positions."""
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

        A derivative has failed where this exceeds `rtol`.
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

    @property
    def _sizes(self) -> AnyArray:
        sizes: AnyArray = np.maximum(abs(self.gradients), abs(self.reference.values))
        return sizes

    def _finite(self, values: AnyArray) -> AnyArray:
        """Replace unknown values by 0, and those that are not finite by infinity."""
        return np.where(self.known, np.where(np.isfinite(values), values, np.inf), 0.0)


@dataclass(frozen=True, kw_only=True)
class DotProduct:
    """One number computed twice: `<cotangent, J tangent>` and `<J^T cotangent, tangent>`.

    `scale` is the norm of the terms of the sum: its order of magnitude, unless they cancel.
    """

    by_jvp: complex
    by_vjp: complex
    scale: float
    rtol: float

    checks: ClassVar[int] = 1

    @property
    def failed(self) -> bool:
        """Whether the two differ."""
        deviation = abs(self.by_jvp - self.by_vjp)
        return not (math.isfinite(deviation) and deviation <= self.rtol * self.scale)


R = TypeVar("R", Comparison, DotProduct)


@dataclass(frozen=True, kw_only=True)
class Check(Generic[R]):
    """The results of one endpoint, or of the dot-product test.

    `fault` is the reason why a call gave no comparable result; it ends the check and counts as one
    more failure.
    """

    results: Sequence[R]
    fault: str | None = None

    @property
    def checks(self) -> int:
        """The number of values that were compared, with the fault."""
        return sum(result.checks for result in self.results) + (self.fault is not None)

    @property
    def failed(self) -> int:
        """The number of checks that have failed."""
        return sum(result.failed for result in self.results) + (self.fault is not None)


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """The results of a whole check, by endpoint; `seed` repeats it."""

    seed: int
    endpoints: Mapping[str, Check[Comparison]]
    dot_product: Check[DotProduct] | None

    @property
    def passed(self) -> bool:
        """Whether nothing has failed."""
        failed = any(check.failed for check in self.endpoints.values())
        return not failed and (self.dot_product is None or not self.dot_product.failed)
