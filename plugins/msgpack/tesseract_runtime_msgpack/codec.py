"""Documents as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import msgpack

from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits
from runtime_core.errors import InvalidResult
from tesseract_runtime_msgpack.decoder import Decoder

_LARGE = 1 << 16
"""Buffers of fewer bytes are packed with the rest: a piece of its own would cost more."""

_BIN_HEADERS = ((2**8, b"\xc4", ">B"), (2**16, b"\xc5", ">H"), (2**32, b"\xc6", ">I"))
"""The first length that no longer fits, the first byte and the length's form, of each `bin`."""


class MsgpackDocumentCodec:
    """Reads and writes MessagePack; large buffers are neither copied into it nor out of it."""

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a document; its binary parts are views of the body.

        Raises `ValueError` for bytes that are not MessagePack, or not of the kinds that JSON has
        beside binary ones.
        """
        return Decoder(body, limits).document()

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return MessagePack with large buffers between its pieces.

        Raises `InvalidResult` for an integer of more than 64 bits and a buffer of 4 GiB or more,
        which MessagePack cannot express.
        """
        splices = _Splices()
        try:
            packed = msgpack.packb(tree, default=splices.mapping)
        except OverflowError as error:
            raise InvalidResult(f"The result cannot be written as msgpack: {error}.") from None
        return splices.into(packed)


class _Splices:
    """The large buffers that a document has between its pieces, in the order of their places."""

    def __init__(self) -> None:
        self._buffers: list[Buffer] = []

    @cached_property
    def _token(self) -> bytes:
        return os.urandom(16)  # no bytes of a user can hold what is random now

    def mapping(self, value: Any) -> dict[str, Any]:
        """Return what MessagePack has for an array in the tree."""
        if not isinstance(value, EncodedArray):  # msgpack asks for large integers too
            raise OverflowError(f"a {type(value).__name__} is out of range")
        buffer = value.buffer
        if not isinstance(buffer, Buffer) or memoryview(buffer).nbytes < _LARGE:
            return value.document(buffer)
        self._buffers.append(buffer)
        return value.document(self._token)

    def into(self, packed: bytes) -> list[Buffer]:
        """Return the pieces of a document, with the buffers as `bin` between them."""
        if not self._buffers:
            return [packed]
        first, *others = packed.split(_header(len(self._token)) + self._token)
        headers = (_header(memoryview(buffer).nbytes) for buffer in self._buffers)
        return [first, *chain.from_iterable(zip(headers, self._buffers, others, strict=True))]


def _header(size: int) -> bytes:
    for limit, first, form in _BIN_HEADERS:
        if size < limit:
            return first + struct.pack(form, size)
    raise InvalidResult(
        f"An array of {size} bytes cannot be written as msgpack, whose limit is 4 GiB: choose "
        "another format with -f or Accept."
    )
