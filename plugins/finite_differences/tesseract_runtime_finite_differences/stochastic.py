"""Estimates from simultaneous perturbations, for inputs of very many elements.

Each sample moves all elements at once, each by its own step up or down at random, and divides the
change of the outputs by each element's step. That is right on average; the other elements are
noise. After m samples of n elements the error of a row of the Jacobian is about sqrt((n - 1) / m)
of its norm: with the default m it is larger than the row itself. It serves optimizers that average
over many calls, not comparisons of single values.

J. C. Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient
approximation, IEEE Transactions on Automatic Control 37 (1992).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import Point, Vector, size_of, to_double
from tesseract_runtime_finite_differences.evaluation import difference, moved_point, values_at
from tesseract_runtime_finite_differences.jacobian import (
    Blocks,
    contracted,
    empty_blocks,
    finished,
    products_like,
)
from tesseract_runtime_finite_differences.scheme import Scheme

Sample = tuple[Vector, Vector, Vector]
"""The steps of the inputs, the changes of the outputs, and the outputs themselves."""


def jacobian(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Estimate the Jacobian."""
    sums: Blocks = {}
    for steps, changes, values in _samples(evaluations, inputs, outputs, scheme):
        sums = sums or empty_blocks(values, inputs)
        for output, change in changes.items():
            for path, taken in steps.items():
                block = np.multiply.outer(change, 1 / taken) / _count(inputs, scheme)
                sums[output][path] += block
    return finished(sums)


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Vector, cotangents: Vector, scheme: Scheme
) -> dict[str, AnyArray]:
    """Estimate a batch of cotangents times the Jacobian."""
    sums = products_like({path: to_double(array) for path, array in inputs.items()}, cotangents)
    for steps, changes, _ in _samples(evaluations, inputs, sorted(cotangents), scheme):
        change = contracted(cotangents, changes)
        for path, taken in steps.items():
            sums[path] += np.multiply.outer(change, 1 / taken) / _count(inputs, scheme)
    return {path: array.astype(inputs[path].dtype) for path, array in sums.items()}


def _samples(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Iterator[Sample]:
    total = 2 * _count(inputs, scheme)
    found = values_at(evaluations, _points(inputs, scheme), outputs, total)
    for (upper, above), (lower, below) in zip(found, found, strict=True):
        yield difference(upper.changes, lower.changes), difference(above, below), above


def _points(inputs: Vector, scheme: Scheme) -> Iterator[Point]:
    """Yield both sides of each sample."""
    random = np.random.default_rng(scheme.seed)
    steps = {path: scheme.steps(path, array) for path, array in inputs.items()}
    for _ in range(_count(inputs, scheme)):
        signs = {
            path: random.choice([-1.0, 1.0], size=array.shape) for path, array in inputs.items()
        }
        for side in (1.0, -1.0):
            taken = {path: side * signs[path] * steps[path] for path in inputs}
            yield moved_point(inputs, taken, "a random direction")


def _count(inputs: Vector, scheme: Scheme) -> int:
    return scheme.samples(size_of(inputs))
