"""A scheme of differences: the algorithm and its steps."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import GradientFailed, listed
from runtime_core.gradients import Vector, machine_epsilon, size_of
from tesseract_runtime_finite_differences.settings import Algorithm, Eps, Step
from tesseract_runtime_finite_differences.sparsity import Sparsity, is_sparse

_FEWEST_SPACINGS = 4
"""The smallest step of an element, in spacings of its value: rounding swallows smaller ones."""

_POWERS = MappingProxyType({"central": 1 / 3, "forward": 1 / 2, "stochastic": 1 / 3})
"""Powers of the machine epsilon that balance truncation and rounding in each algorithm.

Nocedal and Wright, Numerical Optimization, 2nd edition, section 8.1.
"""


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """The options of finite differences, and the machine epsilon of the outputs if it is known.

    With a `sparsity`, elements that share no row move together.
    """

    algorithm: Algorithm = "central"
    eps: Eps = 1e-4
    num_samples: int | None = None
    seed: int | None = None
    output_epsilon: float = 0.0
    sparsity: Sparsity | None = None
    sparsity_check: bool = True

    def checked(self) -> Scheme:
        """Return this scheme, or raise `GradientFailed` for an invalid option."""
        if self.algorithm not in _POWERS:
            raise GradientFailed(
                f"algorithm={self.algorithm!r} is unknown. Available: {listed(_POWERS)}."
            )
        for step in self.eps.values() if isinstance(self.eps, Mapping) else [self.eps]:
            if not _is_valid(step):
                raise GradientFailed(f"eps={step!r} must be a positive number or 'auto'.")
        if self.num_samples is not None and self.num_samples < 1:
            raise GradientFailed(f"num_samples={self.num_samples} must be at least 1.")
        if self.seed is not None and self.seed < 0:
            raise GradientFailed(f"seed={self.seed} must not be negative.")
        return self

    def at(self, inputs: Vector, outputs: Collection[str]) -> Scheme:
        """Return this scheme without a sparsity in which every input has a full block.

        Of `stochastic`, it is central differences if they cost no more than its samples, or if
        there is a sparsity.
        """
        sparsity = self.sparsity if is_sparse(self.sparsity, inputs, outputs) else None
        few = size_of(inputs) <= self.samples(size_of(inputs))
        exact = self.algorithm == "stochastic" and (few or sparsity is not None)
        return replace(self, sparsity=sparsity, algorithm="central" if exact else self.algorithm)

    def step(self, path: str) -> Step:
        """Return the option for the step of an input."""
        if not isinstance(self.eps, Mapping):
            return self.eps
        if path not in self.eps:
            raise GradientFailed(f"eps has no step for {path!r}. It has: {listed(self.eps)}.")
        return self.eps[path]

    def steps(self, path: str, array: AnyArray) -> AnyArray:
        """Return the step of each element, in float64 and of the array's shape."""
        step = self.step(path)
        magnitudes = np.abs(array).astype(np.float64)
        scales = np.where(magnitudes == 0, 1.0, magnitudes)
        steps = self.relative_step(array.dtype) * scales if step == "auto" else step
        return np.maximum(steps, smallest_steps(array))

    def relative_step(self, dtype: np.dtype[Any]) -> float:
        """Return the best step for magnitude 1 in a data type."""
        epsilon = max(machine_epsilon(dtype), self.output_epsilon)
        return float(epsilon ** _POWERS[self.algorithm])

    def samples(self, elements: int) -> int:
        """Return the number of samples of the stochastic algorithm for a number of elements."""
        return self.num_samples or max(10, math.isqrt(elements))


def _is_valid(step: object) -> bool:
    if isinstance(step, str):
        return step == "auto"
    return isinstance(step, Real) and 0 < float(step) < math.inf


def smallest_steps(array: AnyArray) -> AnyArray:
    """Return the smallest step of each element that its data type can represent, in float64."""
    return _FEWEST_SPACINGS * np.spacing(np.abs(array)).astype(np.float64)
