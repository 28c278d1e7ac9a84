"""Gradient functions of an author, called with inputs of their own and with results checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    GradientSignature,
    ResultCheck,
    Vector,
    expected_shapes,
    one_hots,
    shapes_of,
    vector_at,
)

Paths = Collection[str]
Shapes = Mapping[str, tuple[int, ...] | EllipsisType]


@dataclass(frozen=True, slots=True)
class GradientFunction:
    """An author's gradient function at some inputs, of some outputs by some inputs."""

    function: Callable[..., Any]
    signature: GradientSignature
    inputs: Any
    input_paths: Paths
    output_paths: Paths

    @property
    def check(self) -> ResultCheck:
        """The check of its results, by its own name or that of its endpoint."""
        name = getattr(self.function, "__name__", self.signature.endpoint)
        return ResultCheck(subject=name, error=GradientFailed)

    def call(self, *vector: Any) -> object:
        """Call the function, which may change everything that it is given."""
        keywords = self.signature.keywords(
            deepcopy(self.inputs), set(self.input_paths), set(self.output_paths), *vector
        )
        return self.function(**keywords)

    def blocks(self, output_shapes: Shapes) -> dict[str, dict[str, Any]]:
        """Call a `jacobian`, and return its blocks by output and input."""
        inputs = shapes_of(vector_at(self.inputs, self.input_paths))
        return self.check.blocks(self.call(), expected_shapes(output_shapes), inputs)

    def product(self, vector: Any) -> Vector:
        """Call a product with a vector, and return copies: the function may reuse its arrays."""
        of_result = {
            self.signature.input_paths: self.input_paths,
            self.signature.output_paths: self.output_paths,
        }
        [key] = self.signature.result_keys
        found = self.check.mapping(self.call(vector), of_result[key])
        return {path: np.array(self.check.of(path).numbers(found[path])) for path in sorted(found)}

    def products(self, space: Vector, shapes: Shapes | None = None) -> list[Vector]:
        """Return the products with all one-hot vectors of a space.

        All must have the given `shapes`, or else those of the first.
        """
        products = []
        for vector in one_hots(space):
            product = self.product(vector)
            shapes = shapes or shapes_of(product)
            for path, array in product.items():
                self.check.of(path).check_shape(array.shape, shapes[path])
            products.append(product)
        return products
