"""Documents as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgpack

from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits
from runtime_core.documents import Splices
from runtime_core.errors import InvalidResult
from tesseract_runtime_msgpack.decoder import Decoder

_TOKEN_HEADER = b"\xd9\x20"  # of a `str 8` of 32 bytes

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
        splices = Splices()

        def written(value: Any) -> Any:
            if isinstance(value, EncodedArray):
                return splices.mapping(value)
            raise OverflowError(f"a {type(value).__name__} is out of range")  # of 64 bits

        try:
            packed = msgpack.packb(tree, default=written)
        except OverflowError as error:
            raise InvalidResult(f"The result cannot be written as msgpack: {error}.") from None
        return splices.into(packed, before=_TOKEN_HEADER, header=_header)


def _header(buffer: Buffer) -> bytes:
    size = memoryview(buffer).nbytes
    for limit, first, form in _BIN_HEADERS:
        if size < limit:
            return first + struct.pack(form, size)
    raise InvalidResult(
        f"An array of {size} bytes cannot be written as msgpack, whose limit is 4 GiB: choose "
        "another format with -f or Accept."
    )
