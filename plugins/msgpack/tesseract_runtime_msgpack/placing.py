"""Putting buffers in the place of the strings that stand for them."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from runtime_core.buffers import PLACEHOLDER
from runtime_core.contracts import Buffer
from runtime_core.errors import InvalidResult

_STRING = re.compile(b"\xd9(.)(?=" + PLACEHOLDER.pattern + b")", re.DOTALL)
"""The header of a `str 8` that begins as a placeholder does; its one byte is the length."""

_BIN_HEADERS = ((2**8, b"\xc4", ">B"), (2**16, b"\xc5", ">H"), (2**32, b"\xc6", ">I"))
"""The first length that no longer fits, the first byte and the length's form, of each `bin`."""


def placed(packed: bytes, buffers: Mapping[str, memoryview]) -> list[Buffer]:
    """Return packed bytes in pieces, with buffers as `bin` in the place of their placeholders."""
    if not buffers:
        return [packed]
    pieces: list[Buffer] = []
    start = 0
    for match in _STRING.finditer(packed):
        end = match.end() + match[1][0]
        buffer = buffers.get(packed[match.end() : end].decode("ascii", "replace"))
        if buffer is not None:
            pieces += [packed[start : match.start()] + _header(buffer.nbytes), buffer]
            start = end
    return [*pieces, packed[start:]]


def _header(size: int) -> bytes:
    for limit, first, form in _BIN_HEADERS:
        if size < limit:
            return first + struct.pack(form, size)
    raise InvalidResult(
        f"An array of {size} bytes cannot be written as msgpack, whose limit is 4 GiB: choose "
        "another format with -f or Accept."
    )
