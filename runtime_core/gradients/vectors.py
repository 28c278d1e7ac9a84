"""Vectors: one array for each of some paths of the inputs or outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from runtime_core.arrays.coercion import NUMERIC_KINDS, AnyArray
from runtime_core.errors import GradientFailed
from runtime_core.paths import get, parse

Vector = Mapping[str, AnyArray]
"""Arrays by path."""

T = TypeVar("T")


def vector_at(tree: Any, paths: Collection[str]) -> dict[str, AnyArray]:
    """Return the arrays at some paths of inputs or outputs, sorted by path.

    Raises `InvalidPath` for a missing path and `GradientFailed` for a value that is not an array.
    """
    return {path: _array_at(tree, path) for path in sorted(paths)}


def _array_at(tree: Any, path: str) -> AnyArray:
    leaf = get(tree, parse(path))
    array = numeric_array(leaf)
    if array is None:
        raise GradientFailed(f"Expected an array of numbers at {path!r}, got {leaf!r:.60}.")
    return array


def numeric_array(value: Any) -> AnyArray | None:
    """Return a value as an array of numbers, or `None` if it is something else."""
    try:
        array = np.asarray(value)
    except (RuntimeError, TypeError, ValueError):  # ragged lists, tensors that record gradients
        return None
    return array if array.dtype.kind in NUMERIC_KINDS else None


def shapes_of(vector: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of the array at each path."""
    return {path: tuple(array.shape) for path, array in vector.items()}


def size_of(vector: Vector) -> int:
    """Return the number of elements of a vector.

    >>> size_of({"x": np.zeros((2, 3)), "s": np.float64(1.0)})
    7
    """
    return sum(array.size for array in vector.values())


def bytes_of(vector: Mapping[str, Any]) -> int:
    """Return the bytes of the arrays of a vector.

    >>> bytes_of({"x": np.zeros((2, 3)), "s": np.float32(1.0)})
    52
    """
    return sum(array.nbytes for array in vector.values())


def zeros(vector: Vector) -> dict[str, Any]:
    """Return a vector of zeros with the shapes and data types of another.

    As in `one_hot` and `join`, an array of rank 0 is a numpy scalar, as in inputs.

    >>> zeros({"x": np.array([1.0, 2.0]), "s": np.float32(3.0)})
    {'x': array([0., 0.]), 's': np.float32(0.0)}
    """
    return {path: np.zeros(array.shape, array.dtype)[()] for path, array in vector.items()}


def one_hot(like: AnyArray, position: int) -> Any:
    """Return an array that is 1 at a flat position and 0 elsewhere.

    >>> one_hot(np.zeros((2, 2)), 2)
    array([[0., 0.],
           [1., 0.]])
    """
    array = np.zeros(like.shape, like.dtype)
    array.flat[position] = 1
    return array[()]


def one_hots(vector: Vector) -> Iterator[dict[str, Any]]:
    """Yield a vector for each element of another: 1 at that element and 0 elsewhere.

    >>> [v["x"].tolist() for v in one_hots({"x": np.ones(2), "s": np.float64(1.0)})]
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    for path, array in vector.items():
        for position in range(array.size):
            yield {**zeros(vector), path: one_hot(array, position)}


def split(items: Iterable[T], vector: Vector) -> dict[str, list[T]]:
    """Divide items, one for each element of a vector, by the paths of the vector.

    >>> split("abc", {"x": np.ones(2), "s": np.float64(1.0)})
    {'x': ['a', 'b'], 's': ['c']}
    """
    rest = iter(items)
    return {path: list(islice(rest, array.size)) for path, array in vector.items()}


def join(
    arrays: Sequence[AnyArray], *, axis: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Any:
    """Stack arrays along an axis and reshape the result; without arrays it is zeros of `dtype`.

    >>> join([np.ones(2), np.zeros(2)], axis=-1, shape=(2, 2), dtype=np.dtype(float))
    array([[1., 0.],
           [1., 0.]])
    """
    if not arrays:
        return np.zeros(shape, dtype)
    return np.stack(arrays, axis=axis).reshape(shape)[()]


def to_double(array: Any) -> AnyArray:
    """Return a copy of numbers in double precision, real or complex.

    >>> to_double(np.float32(0.5))
    array(0.5)
    """
    numbers: AnyArray = np.asarray(array)
    return numbers.astype(np.complex128 if numbers.dtype.kind == "c" else np.float64)


def machine_epsilon(dtype: np.dtype[Any]) -> float:
    """Return the machine epsilon of a data type; for integers, that of double precision.

    >>> machine_epsilon(np.dtype("complex64"))
    1.1920928955078125e-07
    """
    return float(np.finfo(dtype if dtype.kind in "fc" else np.float64).eps)
