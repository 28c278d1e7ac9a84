"""Calls of an author's gradient functions, each with copies of the inputs and a checked result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from types import EllipsisType
from typing import Any

from runtime_core.calls import current_scope
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    MOST_VECTORS,
    GradientSignature,
    ResultCheck,
    Vector,
    bytes_of,
    checked_product,
    each_of,
    expected_shapes,
    one_hots,
    require_memory,
    shapes_of,
    size_of,
    stack,
    takes_batch,
    vector_at,
)

Paths = Collection[str]
_LARGEST_BATCH = 1 << 26
"""The bytes of the vectors of a batch and of their products."""

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

    def keywords(self, *vector: Any) -> dict[str, Any]:
        """Return the arguments of a call, copies that it may change."""
        return self.signature.keywords(
            deepcopy(self.inputs), set(self.input_paths), set(self.output_paths), *vector
        )

    def blocks(self, output_shapes: Shapes) -> dict[str, dict[str, Any]]:
        """Call a `jacobian` and return its blocks by output and input."""
        inputs = shapes_of(vector_at(self.inputs, self.input_paths))
        return self.check.blocks(
            self.function(**self.keywords()), expected_shapes(output_shapes), inputs
        )

    def product(self, vector: Any, **batch: int) -> Vector:
        """Multiply by a vector and copy the result, whose arrays the function may reuse."""
        fields = {**self.keywords(vector), **batch}
        return checked_product(self.function, self.signature.endpoint, fields)

    def products(self, space: Vector, shapes: Shapes | None = None) -> list[Vector]:
        """Multiply by all one-hot vectors like those of `space`, and show the progress.

        A function with a parameter `batch` gets them in batches, after the first. The results must
        have the given `shapes`, or else those of the first. Raises `MemoryExceeded` if they would
        take more than the memory limit.
        """
        vectors = iter(one_hots(space))
        products = [self.product(vector) for vector in islice(vectors, 1)]
        size = sum(map(bytes_of, products))
        require_memory(size * size_of(space), "The Jacobian")
        batch = self._batch_of(bytes_of(space) + size)
        if batch == 1:
            calls, left = f"calls of {self.signature.endpoint}", size_of(space) - 1
            products += map(self.product, current_scope().progress.track(vectors, calls, left))
        while some := list(islice(vectors, batch)):
            products += self._products_of(some)
        for product in products:
            shapes = shapes or shapes_of(product)
            for path, array in product.items():
                self.check.of(path).check_shape(array.shape, shapes[path])
        return products

    def _batch_of(self, size: int) -> int:
        """Return the number of vectors to multiply at a time, each of a size with its product."""
        if not takes_batch(self.function):
            return 1
        return min(max(_LARGEST_BATCH // max(size, 1), 1), MOST_VECTORS)

    def _products_of(self, vectors: Sequence[Vector]) -> list[Vector]:
        batch = len(vectors)
        product = self.product(stack(vectors, batch, self.check), batch=batch)
        self.check.check_batch(product, batch)
        return [each for (each,) in each_of([product], batch)]
