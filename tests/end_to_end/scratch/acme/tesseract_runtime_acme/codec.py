"""Bytes of arrays as base85, whose alphabet JSON need not escape."""

from __future__ import annotations

from base64 import b85decode, b85encode
from typing import Any

import numpy as np

from runtime_core.contracts import ArraySpec, CallScope, EncodedData


class AcmeArrayCodec:
    """Writes and reads base85 text."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return the text as ASCII bytes."""
        return {"buffer": b85encode(array.tobytes())}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read text whose bytes have exactly the declared size."""
        wire = np.frombuffer(b85decode(data["buffer"]), spec.dtype.newbyteorder("<"))
        return wire.reshape(spec.shape).astype(spec.dtype)
