"""Documents as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack

from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits
from runtime_core.documents import Splices
from runtime_core.errors import InvalidResult
from tesseract_runtime_msgpack.decoder import Decoder

_TOKEN_HEADER = b"\xd9\x20"  # of a `str 8` of 32 bytes

_BIN_HEADERS = ((2**8, b"\xc4", 1), (2**16, b"\xc5", 2), (2**32, b"\xc6", 4))
"""For each kind of `bin` the first size that does not fit, its first byte and bytes of size."""


class MsgpackDocumentCodec:
    """Reads and writes MessagePack without copying large buffers."""

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a document; its binary parts are views of the body.

        Raises `ValueError` for invalid MessagePack, and for types that are neither binary nor of
        JSON.
        """
        return Decoder(body, limits).document()

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return MessagePack in pieces, with large buffers between them.

        An integer of more than 64 bits becomes its decimal text, which a field of integers reads.
        Raises `InvalidResult` for one of thousands of digits and for a buffer of 4 GiB or more.
        """
        splices = Splices()

        def written(value: Any) -> Any:
            if isinstance(value, EncodedArray):
                return splices.mapping(value)
            return str(value)  # an integer: other values of a tree have a type in MessagePack

        try:
            packed = msgpack.packb(tree, default=written)
        except ValueError as error:
            raise InvalidResult(f"The result cannot be written as msgpack: {error}.") from None
        return splices.into(packed, before=_TOKEN_HEADER, header=_header)


def _header(buffer: Buffer) -> bytes:
    size = memoryview(buffer).nbytes
    for limit, first, width in _BIN_HEADERS:
        if size < limit:
            return first + size.to_bytes(width, "big")
    raise InvalidResult(
        f"An array of {size} bytes cannot be written as msgpack, whose limit is 4 GiB: choose "
        "another format with -f or Accept."
    )
