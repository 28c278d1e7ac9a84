"""The bytes of arrays in all binary encodings: C order, little-endian."""

from __future__ import annotations

import math
import sys
from functools import cache
from typing import Any

import numpy as np

from runtime_core.arrays.coercion import AnyArray
from runtime_core.contracts import ArraySpec, CallScope


def wire_order(array: AnyArray | np.generic) -> AnyArray:
    """Return an array in C order and little-endian, without a copy where it already is."""
    array = np.asarray(array, order="C")
    if array.dtype.isnative and sys.byteorder == "little":
        return array
    little = array.dtype.newbyteorder("<")
    return array if array.dtype == little else array.astype(little)


def bytes_of_array(array: AnyArray) -> memoryview:
    """Return the memory of an array in wire order, without a copy."""
    return array.reshape(-1).view(np.uint8).data


def array_of_bytes(data: bytearray | memoryview, spec: ArraySpec) -> AnyArray:
    """Return the array in `data`, without a copy where that is writable and aligned."""
    flat = _flat(data, spec)
    if not flat.flags.writeable or not flat.flags.aligned or sys.byteorder == "big":
        flat = flat.astype(spec.dtype)
    return flat.reshape(spec.shape)


def owned_array_of_bytes(data: memoryview, spec: ArraySpec) -> AnyArray:
    """Return a copy of the array in `data`."""
    return _flat(data, spec).astype(spec.dtype).reshape(spec.shape)


def _flat(data: bytearray | memoryview, spec: ArraySpec) -> AnyArray:
    size = math.prod(spec.shape) * spec.dtype.itemsize
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes, but shape {spec.shape} of {spec.dtype} needs {size}")
    return np.frombuffer(data, dtype=_little_endian(spec.dtype))


@cache  # numpy takes longer than for the array
def _little_endian(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if sys.byteorder == "little" else dtype.newbyteorder("<")


def compressed(array: AnyArray, compression: str, scope: CallScope) -> tuple[memoryview, str]:
    """Return the compressed bytes of an array in wire order, and the compression for documents."""
    compressor = scope.compressor(compression)
    spec = ArraySpec(shape=array.shape, dtype=array.dtype.newbyteorder("="))
    return memoryview(compressor.compress(bytes_of_array(array), spec)), compressor.name


def check_packed_size(size: int, spec: ArraySpec) -> None:
    """Raise `ValueError` for more compressed bytes than an array can have."""
    plain = math.prod(spec.shape) * spec.dtype.itemsize
    if size > plain + plain // 8 + _LARGEST_OVERHEAD:
        raise ValueError(f"{size} compressed bytes are too many for {plain} of the array")


_LARGEST_OVERHEAD = 1 << 20  # no compressor adds more than this and an eighth


def decompressed(
    packed: bytearray | memoryview, compression: object, spec: ArraySpec, scope: CallScope
) -> AnyArray:
    """Return the array of compressed bytes; it takes memory for the array alone.

    Raises `ValueError` when the bytes unpack to more or less than the declared size.
    """
    if not isinstance(compression, str):
        raise ValueError("compression must be the name of one, or null")
    array = np.empty(spec.shape, dtype=spec.dtype.newbyteorder("<"))
    room = bytes_of_array(array)
    scope.compressor(compression).decompress(memoryview(packed), room, spec)
    return array.astype(spec.dtype, copy=False)
