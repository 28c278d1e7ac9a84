"""Estimates from simultaneous perturbations, for inputs of very many elements.

Each sample moves all elements at once, each by its own step in a random direction, and takes the
difference of the outputs over each element's step for the derivative by that element. That is
right on average; the other elements are noise. After m samples of n elements the error of a row
of the Jacobian is about sqrt((n - 1) / m) of its norm: with the default m it is larger than the
row itself. It serves optimizers that average over many calls, not comparisons of single values.

J. C. Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient
approximation, IEEE Transactions on Automatic Control 37 (1992).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import Vector, size_of
from tesseract_runtime_finite_differences.evaluation import (
    DirectionPoint,
    difference,
    moved,
    values_at,
)
from tesseract_runtime_finite_differences.jacobian import Blocks, contracted, empty_blocks
from tesseract_runtime_finite_differences.scheme import Scheme


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The changes of the outputs when every input element took a step `taken`, of either sign."""

    taken: Vector
    changes: Vector
    values: Vector


def jacobian(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Estimate the Jacobian."""
    sums: Blocks = {}
    for sample in _samples(evaluations, inputs, outputs, scheme):
        sums = sums or empty_blocks(sample.values, inputs)
        for output, change in sample.changes.items():
            for path, taken in sample.taken.items():
                block = np.multiply.outer(change, 1 / taken) / _count(inputs, scheme)
                sums[output][path] += block.astype(sums[output][path].dtype)
    return sums


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Vector, cotangents: Vector, scheme: Scheme
) -> dict[str, AnyArray]:
    """Estimate the cotangent times the Jacobian."""
    sums = {path: np.zeros(array.shape) for path, array in inputs.items()}
    for sample in _samples(evaluations, inputs, sorted(cotangents), scheme):
        change = contracted(cotangents, sample.changes)
        for path, taken in sample.taken.items():
            sums[path] += change / taken / _count(inputs, scheme)
    return {path: array.astype(inputs[path].dtype) for path, array in sums.items()}


def _samples(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Sample]:
    found = values_at(evaluations, _points(inputs, scheme), outputs)
    for (upper, above), (lower, below) in zip(found, found, strict=True):
        taken = {
            path: upper.changes[path].astype(np.float64) - lower.changes[path].astype(np.float64)
            for path in inputs
        }
        yield Sample(taken=taken, changes=difference(above, below), values=above)


def _points(inputs: Vector, scheme: Scheme) -> Iterator[DirectionPoint]:
    """Yield both sides of each sample."""
    random = np.random.default_rng(scheme.seed)
    steps = {path: scheme.steps(path, array) for path, array in inputs.items()}
    for _ in range(_count(inputs, scheme)):
        signs = {
            path: random.choice([-1.0, 1.0], size=array.shape) for path, array in inputs.items()
        }
        for side in (1.0, -1.0):
            changes = {
                path: moved(array, side * signs[path] * steps[path])
                for path, array in inputs.items()
            }
            yield DirectionPoint(changes=changes, direction="a random direction")


def _count(inputs: Vector, scheme: Scheme) -> int:
    return scheme.samples(size_of(inputs))
