"""The array encoding `raw`: the plain bytes of an array, for binary document formats."""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime_core.arrays.array_bytes import bytes_of_array, owned_array_of_bytes
from runtime_core.contracts import ArraySpec, CallScope, EncodedData


class RawArrayCodec:
    """Writes the memory of an array; a binary format splices it in without a copy."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return the array's own memory."""
        return {"buffer": bytes_of_array(array)}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Copy the bytes out of the document."""
        buffer = data["buffer"]
        if not isinstance(buffer, bytes | bytearray | memoryview):
            raise ValueError("the buffer must be bytes, which only a binary format carries")
        return owned_array_of_bytes(memoryview(buffer), spec)
