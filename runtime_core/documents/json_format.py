"""The document formats of JSON (RFC 8259), with their arrays as numbers or as base64."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from mmap import mmap
from typing import Any

from pydantic_core import to_json

from runtime_core.contracts import Buffer, EncodedArray, ReadingLimits
from runtime_core.documents.json_text_extraction import Document, LongTexts, parsed
from runtime_core.documents.splices import LARGE, Splices


class JsonDocumentCodec:
    """Reads and writes JSON; NaN and infinities are written as strings, and read as tokens too."""

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a JSON text; `ValueError` if it is invalid, too large or too deep."""
        document = _document(body)
        if len(document) < LARGE and len(document) <= limits.items:
            return parsed(document)
        texts = LongTexts(document, views=limits.views)
        _refuse_many_items(texts.short, limits.items)
        return texts.tree()

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return compact JSON; the long texts of arrays are separate pieces."""
        splices = Splices()

        def written(value: Any) -> Any:
            return splices.mapping(value) if isinstance(value, EncodedArray) else _text(value)

        return splices.into(to_json(tree, inf_nan_mode="strings", fallback=written))


def _text(value: object) -> str:
    """Return the text of a buffer that user code took from an array document."""
    if not isinstance(value, memoryview):
        raise TypeError(f"a document cannot hold a {type(value).__name__}")
    return str(value, "ascii")


def _refuse_many_items(text: bytes | bytearray, most: int) -> None:
    # A parsed item takes many times the memory of its text.
    if len(text) <= most:
        return
    items = sum(map(text.count, _SEPARATORS))
    if items > most:
        raise ValueError(
            f"it has about {items} items, more than the {most} of --max-json-items; send arrays "
            "as base64 or in a binary format"
        )


def _without_mark(text: bytes) -> bytes:
    """Return a text as UTF-8 without its byte-order mark, which programs on Windows write."""
    for mark, encoding in _MARKS.items():
        if text.startswith(mark):
            return text[len(mark) :].decode(encoding).encode()
    return text


_ASCII = range(128)  # every JSON text begins with such a character

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

_SEPARATORS = (b",", b"[", b"{")  # one before every item


def _document(body: memoryview) -> Document:
    """Return the buffer of a body; a part of a buffer, or a foreign one, is copied."""
    if body.nbytes and body[0] not in _ASCII:
        return _without_mark(bytes(body))
    owner = body.obj
    if isinstance(owner, bytes | bytearray | mmap) and len(owner) == body.nbytes:
        return owner
    return bytes(body)
