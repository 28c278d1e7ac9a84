"""The arrays of the conformance suites, and their comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import BaseModel

AnyArray = np.ndarray[Any, Any]

SHAPES = ((), (3,), (2, 3), (2, 1, 3), (1, 2, 3, 2), (2, 1, 2, 1, 3))
"""One shape for each rank from 0 to 5."""

EMPTY_SHAPES = ((0,), (0, 3), (3, 0), (2, 0, 3), (1, 0, 2, 0, 1))
"""Shapes of arrays without elements."""


def _read_only(array: AnyArray) -> AnyArray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _unaligned(array: AnyArray) -> AnyArray:
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    shifted = memory.view(array.dtype).reshape(array.shape)
    shifted[...] = array
    return shifted


LAYOUTS: Mapping[str, Callable[[AnyArray], AnyArray]] = MappingProxyType(
    {
        "transposed": lambda array: np.ascontiguousarray(array.T).T,
        "fortran": np.asfortranarray,
        "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
        "reversed": lambda array: array[..., ::-1].copy()[..., ::-1],
        "broadcast": lambda array: np.broadcast_to(array[..., :1], array.shape),
        "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
        "read-only": _read_only,
        "unaligned": _unaligned,
    }
)
"""Layouts in memory, each as a function of an array of rank 1 or more."""


def counted(dtype: str, shape: tuple[int, ...]) -> AnyArray:
    """Return an array of different values, as far as the data type has them."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


def special(dtype: str) -> AnyArray:
    """Return the special values of a type: extremes, NaN, infinities, minus zero."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.array([True, False])
    if kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1], dtype)
    extremes = np.finfo(dtype)
    floats = [float(extremes.max), float(extremes.tiny), -0.0, np.nan, np.inf, -np.inf]
    if kind == "f":
        return np.array(floats, dtype)
    return np.array([complex(real, imag) for real in floats for imag in floats], dtype)


def bits(array: Any, *, nan_payloads: bool) -> tuple[str, tuple[int, ...], bytes]:
    """Return the data type, shape and bytes by which arrays are compared.

    Without `nan_payloads` any NaN equals any other.
    """
    plain = np.array(array, order="C")
    if not nan_payloads and plain.dtype.kind in "fc":
        floats = plain.reshape(-1).view(plain.real.dtype)
        floats[np.isnan(floats)] = np.nan
    return plain.dtype.str, plain.shape, plain.tobytes()


def arrays_in(value: Any) -> Iterator[AnyArray]:
    """Yield the arrays of a model and of nested models, but not scalars."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, BaseModel):
        yield from arrays_in(dict(value))
    elif isinstance(value, Mapping):
        yield from arrays_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays_in(item)


def belongs_to_its_receiver(array: AnyArray) -> bool:
    """Test whether an array is writable, aligned, native, and in C order."""
    flags = array.flags
    return flags.writeable and flags.aligned and flags.c_contiguous and array.dtype.isnative
