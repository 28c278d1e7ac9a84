"""Jacobians of few Jacobian-vector products, from a sparsity pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime_core.gradients import (
    Vector,
    bytes_of,
    machine_epsilon,
    require_memory,
    shapes_of,
    size_of,
)
from tesseract_runtime_finite_differences.derived.gradient_function import GradientFunction
from tesseract_runtime_finite_differences.jacobian import finished
from tesseract_runtime_finite_differences.pattern_check import PatternCheck, rounding_of
from tesseract_runtime_finite_differences.sparsity import Compression, Sparsity


def compressed_jacobian(
    jvp: GradientFunction, point: Vector, sparsity: Sparsity, *, checked: bool
) -> dict[str, dict[str, Any]]:
    """Compute a Jacobian by a product for each colour of the elements of the inputs.

    One more product along a random direction has the shapes of the outputs, and checks the pattern
    if the result is to be `checked`.
    """
    random = np.random.default_rng()
    direction = {
        path: np.asarray(random.uniform(0.5, 1.5, array.shape), array.dtype)[()]
        for path, array in point.items()
    }
    along = jvp.product(direction)
    require_memory(bytes_of(along) * size_of(point), "The Jacobian")
    compression = Compression.of(sparsity, point, along)
    check = PatternCheck(along, {path: np.asarray(array) for path, array in direction.items()})
    ones = {path: np.ones(array.shape) for path, array in point.items()}
    blocks = {
        output: {
            path: np.zeros((*like.shape, *array.shape), like.dtype) for path, array in point.items()
        }
        for output, like in along.items()
    }
    for colour in range(compression.count):
        moved = compression.moved(colour, point)
        tangent = {path: moved[path].astype(array.dtype)[()] for path, array in point.items()}
        product = jvp.product(tangent)
        for output, shape in shapes_of(along).items():
            jvp.check.of(output).check_shape(product[output].shape, shape)
        for part in compression.parts(colour, product, ones):
            part.put(blocks, point)
            check.add(part)
    if checked:
        tolerance = max(machine_epsilon(array.dtype) for array in along.values()) ** 0.5
        check.compare(along, tolerance, rounding_of(along))
    return finished(blocks)
