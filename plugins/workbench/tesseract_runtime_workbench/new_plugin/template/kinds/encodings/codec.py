"""The codec of the array encoding."""

from typing import Any

import numpy as np
from runtime_core.contracts import ArraySpec, CallScope, EncodedData

AnyArray = np.ndarray[Any, Any]


class Codec:
    """Writes and reads arrays as hexadecimal digits."""

    def encode(self, array: AnyArray, scope: CallScope) -> EncodedData:
        """Return the data of an array that is in C order and little-endian."""
        return {"buffer": array.tobytes().hex()}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> AnyArray:
        """Return an array that owns its data; `ValueError` for a buffer of another size."""
        flat = np.frombuffer(bytearray.fromhex(data["buffer"]), spec.dtype)
        return flat.reshape(spec.shape)
