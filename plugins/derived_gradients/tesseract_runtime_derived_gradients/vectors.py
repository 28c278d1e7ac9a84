"""Vectors: one array for each of some paths of the inputs or outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.paths import get, parse

AnyArray = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Vector = Mapping[str, AnyArray]

NUMERIC_KINDS = "biufc"


def vector_at(tree: Any, paths: Collection[str]) -> dict[str, AnyArray]:
    """Return the arrays at some paths of inputs or outputs, in the order of the paths' names.

    Raises `InvalidPath` where there is nothing and `GradientFailed` where there is no array.
    """
    return {path: _array(path, get(tree, parse(path))) for path in sorted(paths)}


def shapes_of(vector: Vector) -> dict[str, Shape]:
    """Return the shape of the array at each path."""
    return {path: array.shape for path, array in vector.items()}


def size_of(vector: Vector) -> int:
    """Return how many elements a vector has.

    >>> size_of({"x": np.zeros((2, 3)), "s": np.float64(1.0)})
    7
    """
    return sum(array.size for array in vector.values())


def zeros(vector: Vector) -> dict[str, Any]:
    """Return a vector of zeros with the shapes and data types of another.

    >>> zeros({"x": np.array([1.0, 2.0]), "s": np.float32(3.0)})
    {'x': array([0., 0.]), 's': np.float32(0.0)}
    """
    return {path: unboxed(np.zeros(array.shape, array.dtype)) for path, array in vector.items()}


def one_hots(vector: Vector) -> Iterator[dict[str, Any]]:
    """Yield, for each element of a vector in its turn, a vector that is 1 there and 0 elsewhere.

    >>> [v["x"].tolist() for v in one_hots({"x": np.ones(2), "s": np.float64(1.0)})]
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    for path, array in vector.items():
        for position in range(array.size):
            probed = np.zeros(array.shape, array.dtype)
            probed.flat[position] = 1
            yield {**zeros(vector), path: unboxed(probed)}


def unboxed(array: AnyArray) -> Any:
    """Return the array itself, or the numpy scalar that stands for one of rank 0.

    >>> unboxed(np.array(2.0))
    np.float64(2.0)
    """
    return array if array.ndim else array[()]


def _array(path: str, value: Any) -> AnyArray:
    array = np.asarray(value)
    if array.dtype.kind not in NUMERIC_KINDS:
        raise GradientFailed(f"There is no array of numbers at {path!r}, but {value!r:.60}.")
    return array
