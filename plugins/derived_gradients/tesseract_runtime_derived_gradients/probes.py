"""Probing a linear map: its answers to one-hot vectors, put together to a matrix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from tesseract_runtime_derived_gradients.answers import array_from, check_shape, keyed
from tesseract_runtime_derived_gradients.vectors import (
    AnyArray,
    Shape,
    Vector,
    one_hots,
    shapes_of,
    unboxed,
)


@dataclass(frozen=True, kw_only=True)
class LinearMap:
    """A gradient function as a map from vectors to vectors.

    `function` gets a vector of its own each time and returns arrays at `paths`; messages about
    them start with `beginning`.
    """

    function: Callable[[dict[str, Any]], Any]
    paths: Collection[str]
    beginning: str

    def __call__(self, vector: dict[str, Any]) -> Vector:
        """Return the arrays at all paths, copied: the function may use them again."""
        found = keyed(self.beginning, self.function(vector), self.paths)
        return {
            path: np.array(array_from(self.beginning, repr(path), found[path]))
            for path in sorted(found)
        }


def probe(
    linear_map: LinearMap, space: Vector, shapes: Mapping[str, Shape] | None = None
) -> Iterator[Vector]:
    """Yield the answer to each one-hot vector of a space.

    All answers must have the given `shapes`, or else those of the first.
    """
    for vector in one_hots(space):
        answer = linear_map(vector)
        shapes = shapes or shapes_of(answer)
        for path, array in answer.items():
            check_shape(linear_map.beginning, repr(path), array.shape, shapes[path])
        yield answer


def by_path(answers: Sequence[Vector], space: Vector) -> dict[str, list[Vector]]:
    """Divide the answers to the one-hot vectors of a space by the paths of the space."""
    rest = iter(answers)
    return {path: list(islice(rest, array.size)) for path, array in space.items()}


def stacked(arrays: Sequence[AnyArray], *, axis: int, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Return one array of a shape, made of arrays that follow each other along an axis.

    `dtype` is that of an array without elements.
    """
    if not arrays:
        return np.zeros(shape, dtype)
    return unboxed(np.stack(arrays, axis=axis).reshape(shape))
