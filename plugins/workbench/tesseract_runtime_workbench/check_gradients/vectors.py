"""Vectors: one array for each of some paths of the inputs or outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray

Vector = Mapping[str, AnyArray]


def one_hot(like: AnyArray, position: int) -> Any:
    """Return an array that is 1 at a flat position and 0 elsewhere.

    >>> one_hot(np.zeros((2, 2)), 2)
    array([[0., 0.],
           [1., 0.]])
    """
    array = np.zeros(like.shape, like.dtype)
    array.flat[position] = 1
    return array[()]


def random_vector(like: Vector, random: np.random.Generator) -> dict[str, Any]:
    """Return a vector of normally distributed numbers, with the shapes and types of another."""
    return {
        path: np.asarray(random.standard_normal(array.shape)).astype(array.dtype)[()]
        for path, array in like.items()
    }


def wide(array: Any) -> AnyArray:
    """Return numbers in double precision, real or complex.

    >>> wide(np.float32(0.5))
    array(0.5)
    """
    numbers: AnyArray = np.asarray(array)
    return numbers.astype(np.complex128 if numbers.dtype.kind == "c" else np.float64)
