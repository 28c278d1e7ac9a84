"""Calls of an author's gradient functions, each with copies of the inputs and a checked result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from runtime_core.calls import current_scope
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    GradientSignature,
    ResultCheck,
    Vector,
    bytes_of,
    expected_shapes,
    one_hots,
    require_memory,
    shapes_of,
    size_of,
    vector_at,
)

Paths = Collection[str]
Shapes = Mapping[str, tuple[int, ...] | EllipsisType]


@dataclass(frozen=True, slots=True)
class GradientFunction:
    """An author's gradient function, with all arguments except the vector."""

    function: Callable[..., Any]
    signature: GradientSignature
    inputs: Any
    input_paths: Paths
    output_paths: Paths

    @property
    def check(self) -> ResultCheck:
        """The check of results, under the name of the function."""
        name = getattr(self.function, "__name__", self.signature.endpoint)
        return ResultCheck(subject=name, error=GradientFailed)

    def call(self, *vector: Any) -> object:
        """Call the function with copies, which it may change."""
        keywords = self.signature.keywords(
            deepcopy(self.inputs), set(self.input_paths), set(self.output_paths), *vector
        )
        return self.function(**keywords)

    def blocks(self, output_shapes: Shapes) -> dict[str, dict[str, Any]]:
        """Call a `jacobian` and return its blocks by output and input."""
        inputs = shapes_of(vector_at(self.inputs, self.input_paths))
        return self.check.blocks(self.call(), expected_shapes(output_shapes), inputs)

    def product(self, vector: Any) -> Vector:
        """Multiply by a vector and copy the result, whose arrays the function may reuse."""
        paths = self.signature.keywords(None, self.input_paths, self.output_paths, None)
        [key] = self.signature.result_keys
        found = self.check.mapping(self.call(vector), paths[key])
        return {path: np.array(self.check.of(path).numbers(found[path])) for path in sorted(found)}

    def products(self, space: Vector, shapes: Shapes | None = None) -> list[Vector]:
        """Multiply by all one-hot vectors like those of `space`, and show the progress.

        The results must have the given `shapes`, or else those of the first. Raises
        `MemoryExceeded` if they would take more than the memory limit.
        """
        products: list[Vector] = []
        calls = f"calls of {self.signature.endpoint}"
        for vector in current_scope().progress.track(one_hots(space), calls, size_of(space)):
            product = self.product(vector)
            if not products:
                require_memory(bytes_of(product) * size_of(space), "The Jacobian")
            shapes = shapes or shapes_of(product)
            for path, array in product.items():
                self.check.of(path).check_shape(array.shape, shapes[path])
            products.append(product)
        return products
