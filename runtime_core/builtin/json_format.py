"""The document formats of JSON (RFC 8259), with their arrays as numbers or as base64."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from mmap import mmap
from typing import Any

from pydantic_core import to_json

from runtime_core.builtin.long_texts import LONG, Document, LongTexts
from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits


class JsonDocumentCodec:
    """Reads and writes JSON; NaN and infinities are written as strings, and read as tokens too."""

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a JSON text; integers of any size are exact.

        Raises `ValueError` for a text that is not JSON, has more items than the limit, for parsed
        each takes many times the memory of its text, or more than 200 levels.
        """
        texts = LongTexts(_document(body), views=limits.views)
        _refuse_many_items(texts.short, limits.items)
        return texts.tree()

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return compact JSON; long texts of arrays are pieces by themselves."""
        splices = _Splices()
        return splices.into(to_json(tree, inf_nan_mode="strings", fallback=splices.mapping))


class _Splices:
    """The long texts that a document has between its pieces, in the order of their places."""

    def __init__(self) -> None:
        self._buffers: list[Buffer] = []

    @cached_property
    def _token(self) -> str:
        return os.urandom(16).hex()  # no text of a user can hold what is random now

    def mapping(self, value: Any) -> Any:
        """Return what JSON has for an array or a buffer in the tree."""
        if isinstance(value, EncodedArray):
            buffer = value.buffer
            return value.document(self._text(buffer) if isinstance(buffer, Buffer) else buffer)
        if isinstance(value, memoryview):
            return self._text(value)
        raise TypeError(f"a document cannot hold a {type(value).__name__}")

    def _text(self, buffer: Buffer) -> str:
        if memoryview(buffer).nbytes < LONG:
            return str(buffer, "ascii")
        self._buffers.append(buffer)
        return self._token

    def into(self, text: bytes) -> list[Buffer]:
        """Return the pieces of a text, with the buffers between them."""
        if not self._buffers:
            return [text]
        first, *others = text.split(self._token.encode("ascii"))
        return [first, *chain.from_iterable(zip(self._buffers, others, strict=True))]


def _refuse_many_items(text: bytes | bytearray, most: int) -> None:
    if len(text) <= most:
        return
    items = sum(map(text.count, _SEPARATORS))
    if items > most:
        raise ValueError(
            f"it has about {items} items, more than the {most} of --max-json-items; send arrays "
            "as base64 or in a binary format"
        )


_SEPARATORS = (b",", b"[", b"{")
"""What stands before every item, so that nothing needs to be parsed to count them."""


def _document(body: memoryview) -> Document:
    """Return the bytes of a body, copied if they are a part of others or lie elsewhere."""
    owner = body.obj
    if isinstance(owner, bytes | bytearray | mmap) and len(owner) == body.nbytes:
        return owner
    return bytes(body)
