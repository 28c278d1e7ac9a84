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
from tesseract_runtime_finite_differences.sparsity import (
    Compression,
    PatternCheck,
    Sparsity,
    rounding_of,
)


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
        product = jvp.product(_tangent(compression, point, colour))
        for output, shape in shapes_of(along).items():
            jvp.check.of(output).check_shape(product[output].shape, shape)
        for part in compression.parts(colour, product, ones):
            block = blocks[part.output][part.path]
            flat = block.reshape(along[part.output].size, point[part.path].size)
            flat[part.rows, part.columns] = part.values
            check.add(part)
    if checked:
        tolerance = max(machine_epsilon(array.dtype) for array in along.values()) ** 0.5
        check.compare(along, tolerance, rounding_of(along))
    return {output: {path: b[()] for path, b in row.items()} for output, row in blocks.items()}


def _tangent(compression: Compression, point: Vector, colour: int) -> dict[str, Any]:
    """Return the tangent that is 1 at the elements of a colour."""
    return {
        path: (compression.colours[path] == colour).reshape(array.shape).astype(array.dtype)[()]
        for path, array in point.items()
    }
