"""A compressor that shuffles bytes, a format with signatures, and hexadecimal arrays."""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from runtime_core.contracts import (
    ArraySpec,
    Buffer,
    CallScope,
    CodecContext,
    EncodedData,
    ReadingLimits,
)
from runtime_core.documents import JsonDocumentCodec


class ShuffledCodec:
    """Packs the first bytes of all elements, then the second ones, and so on."""

    def __init__(self, context: CodecContext) -> None:
        self._level = context.settings["shuffled"].level

    def compress(
        self,
        data: memoryview,
        *,
        spec: ArraySpec,
        level: Annotated[int, Field(le=9)] = 0,
        width: int = 0,
    ) -> bytes:
        """Return compressed bytes; the default width is that of an element."""
        return zlib.compress(_shuffled(data, width or spec.dtype.itemsize), level or self._level)

    def decompress(
        self, data: memoryview, into: memoryview, *, spec: ArraySpec, width: int = 0
    ) -> None:
        """Fill `into`, from no more than one byte beyond it."""
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, len(into) + 1)
        except zlib.error as error:
            raise ValueError(f"not DEFLATE: {error}") from None
        if len(plain) != len(into) or not stream.eof or stream.unused_data:
            raise ValueError(f"the compressed bytes do not unpack to exactly {len(into)}")
        into[:] = _unshuffled(plain, width or spec.dtype.itemsize)


def _shuffled(data: memoryview, width: int) -> bytes:
    whole, rest = _parts(data, width)
    return whole.reshape(-1, width).T.tobytes() + rest


def _unshuffled(data: Buffer, width: int) -> bytes:
    whole, rest = _parts(data, width)
    return whole.reshape(width, -1).T.tobytes() + rest


def _parts(data: Buffer, width: int) -> tuple[Any, bytes]:
    if width < 1:
        raise ValueError(f"a width of {width} bytes")
    end = len(data) - len(data) % width
    return np.frombuffer(data, np.uint8)[:end], bytes(data[end:])


class SignedCodec:
    """Writes JSON after a line with its signature; the parameter `issuer` is part of it."""

    def __init__(self, context: CodecContext) -> None:
        settings = context.settings["shuffled"]
        self._issuer = context.parameters.get("issuer", "")
        if self._issuer and self._issuer not in settings.issuers:
            raise ValueError(f"{self._issuer} is not an issuer")
        self._signature = settings.signature
        self._json = JsonDocumentCodec()

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Read a document whose signature is right."""
        signature, _, text = bytes(body).partition(b"\n")
        if not hmac.compare_digest(signature, self._signed(text)):
            raise ValueError("the signature is wrong")
        return self._json.loads(memoryview(text), limits)

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Write a document with its signature."""
        text = b"".join(self._json.dumps(tree))
        return [self._signed(text), b"\n", text]

    def _signed(self, text: bytes) -> bytes:
        key = self._signature.key.get_secret_value() + self._issuer
        digest = hmac.new(key.encode(), text, getattr(hashlib, self._signature.algorithm))
        return digest.hexdigest().encode()


class HexCodec:
    """Writes the bytes of arrays as hexadecimal digits."""

    def encode(self, array: Any, scope: CallScope) -> EncodedData:
        """Return the digits."""
        return {"buffer": array.tobytes().hex()}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> Any:
        """Return the array of the digits."""
        flat = np.frombuffer(bytearray.fromhex(data["buffer"]), spec.dtype)
        return flat.reshape(spec.shape)
