"""The results of a check of gradients, as plain data."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
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
    def largest(self) -> float:
        """The largest finite magnitude of a gradient that was compared."""
        sizes = abs(self.gradients)
        return float(np.max(sizes, initial=0.0, where=self.known & np.isfinite(sizes)))

    @property
    def infinite(self) -> AnyArray:
        """The places in which a gradient or a difference is NaN or infinite."""
        finite = np.isfinite(self.gradients) & np.isfinite(self.reference.values)
        return np.asarray(self.known & ~finite)

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
    """One number computed twice, as a dot product with each of two results.

    `scale` is the norm of the terms of the sum: its order of magnitude, unless they cancel.
    """

    names: tuple[str, str]
    values: tuple[complex, complex]
    scale: float
    rtol: float

    checks: ClassVar[int] = 1

    @classmethod
    def of(cls, terms: Mapping[str, AnyArray], rtol: float) -> DotProduct:
        """Sum the terms of two dot products, by their names."""
        one, other = terms.values()
        first, second = terms
        scale = float(max(np.linalg.norm(one), np.linalg.norm(other)))
        values = (one.sum().item(), other.sum().item())
        return cls(names=(first, second), values=values, scale=scale, rtol=rtol)

    @property
    def failed(self) -> bool:
        """Whether the two differ."""
        one, other = self.values
        deviation = abs(one - other)
        return not (math.isfinite(deviation) and deviation <= self.rtol * self.scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class Remainder:
    """The rest of a function along a random direction after the terms with its derivatives.

    `sizes` are parallel to `steps`, which become smaller; NaN where `apply` has failed. `floor`
    bounds their rounding. The order of a right derivative is `expected`, of a wrong one less by
    `lost`.
    """

    steps: AnyArray
    sizes: AnyArray
    floor: float
    expected: int
    lost: int

    checks: ClassVar[int] = 1

    @property
    def order(self) -> float | None:
        """The order at the smallest steps that show one; `None` if rounding hides the rest."""
        finite = self.sizes[np.isfinite(self.sizes)]
        noise = max(_SHOWS * self.floor, _SHOWS * float(np.median(finite[-3:], axis=0)))
        # What a solver returns that iterates jumps at some step: what grows there is not the rest.
        grown = np.flatnonzero(np.diff(self.sizes) >= 0)
        end = grown[0] + 1 if grown.size else self.sizes.size
        visible = np.flatnonzero(self.sizes[:end] > noise)  # NaN is not
        if len(visible) < 2:  # an order takes a pair
            return None
        large, small = visible[-2:]
        ratio = math.log(self.sizes[large] / self.sizes[small])
        return ratio / math.log(self.steps[large] / self.steps[small])

    @property
    def failed(self) -> bool:
        """Whether the order is closer to that of a wrong derivative."""
        if not np.isfinite(self.sizes).any():
            return True
        order = self.order
        return order is not None and order < self.expected - self.lost / 2


_SHOWS = 10
"""How many times larger than rounding and noise a remainder must be to show its order."""


R = TypeVar("R", Comparison, DotProduct, Remainder)


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
    """The results of a whole check, by endpoint; `seed` repeats it.

    `endpoints` were compared with differences, and `remainders` have the orders of the others.
    `backends` compute them, of which `differences` take differences too. `failures` are the
    messages of the evaluations that have failed.
    """

    seed: int
    endpoints: Mapping[str, Check[Comparison]]
    dot_product: Check[DotProduct] | None
    remainders: Mapping[str, Check[Remainder]] = field(default_factory=dict)
    symmetry: Check[DotProduct] | None = None
    backends: Mapping[str, str] = field(default_factory=dict)
    differences: Collection[str] = ()
    failures: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing has failed."""
        single = [each for each in (self.dot_product, self.symmetry) if each is not None]
        checks: list[Check[Any]] = [*self.endpoints.values(), *self.remainders.values(), *single]
        return not any(check.failed for check in checks)
