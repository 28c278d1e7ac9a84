"""The array encoding `base64`: the bytes of an array as text (RFC 4648, strict alphabet)."""

from __future__ import annotations

import binascii
import math
from typing import Any

import numpy as np
import pybase64

from runtime_core.arrays.array_bytes import (
    array_of_bytes,
    bytes_of_array,
    check_packed_size,
    compressed,
    decompressed,
)
from runtime_core.contracts import ArraySpec, CallScope, EncodedData


class Base64ArrayCodec:
    """Writes the bytes of an array as base64, compressed first where the document says so."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return base64 text as ASCII bytes."""
        compression = scope.options.get("compression")
        if compression is None:
            return {"buffer": pybase64.b64encode(bytes_of_array(array))}
        packed, name = compressed(array, compression, scope)
        return {"buffer": pybase64.b64encode(packed), "compression": name}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read base64 text whose bytes have exactly the declared size."""
        compression = data.get("compression")
        text = data["buffer"]
        if compression is None:
            _check_length(text, spec)
            return array_of_bytes(_decoded(text), spec)
        if isinstance(text, str | bytes | memoryview):
            check_packed_size(len(text) * 3 // 4, spec)
        return decompressed(_decoded(text), compression, spec, scope)


def _decoded(text: Any) -> bytearray:
    if not isinstance(text, str | bytes | memoryview):
        raise ValueError("the buffer must be a string")
    try:
        return pybase64.b64decode_as_bytearray(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _check_length(text: Any, spec: ArraySpec) -> None:
    size = math.prod(spec.shape) * spec.dtype.itemsize
    length = 4 * -(-size // 3)
    if isinstance(text, str | bytes | memoryview) and len(text) != length:
        raise ValueError(
            f"{len(text)} characters of base64, but shape {spec.shape} of {spec.dtype} "
            f"needs {length}"
        )
