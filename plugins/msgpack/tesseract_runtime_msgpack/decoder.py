"""A zero-copy MessagePack decoder with bounded memory.

Lists and maps grow with the items that are read: a header of billions of items costs nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NoReturn

from runtime_core.contracts import ReadingLimits
from tesseract_runtime_msgpack.msgpack_numpy import array_document


class Decoder:
    """Decodes one document from the beginning of a body to its end, within limits."""

    def __init__(self, body: memoryview, limits: ReadingLimits) -> None:
        self._body = body
        self._limits = limits
        self._position = 0
        self._depth = 0
        self._items = 0

    def document(self) -> Any:
        """Decode the tree; a `ValueError` names the fault and its byte."""
        tree = self._value()
        if self._position != len(self._body):
            raise ValueError(f"there are bytes after the document, from byte {self._position} on")
        return tree

    def _value(self) -> Any:
        try:
            first = self._body[self._position]
        except IndexError:
            self._refuse_end()
        self._position += 1
        return _READERS[first](self, first)

    def _take(self, size: int) -> memoryview:
        start = self._position
        end = start + size
        if end > len(self._body):
            self._refuse_end()
        self._position = end
        return self._body[start:end]

    def _refuse_end(self) -> NoReturn:
        raise ValueError(f"the document ends at byte {len(self._body)}, in the middle")

    def _number(self, form: struct.Struct) -> Any:
        try:
            (number,) = form.unpack_from(self._body, self._position)
        except struct.error:
            self._refuse_end()
        self._position += form.size
        return number

    def _text(self, size: int) -> str:
        start = self._position
        try:
            return str(self._take(size), "utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the string at byte {start} is not valid UTF-8") from None

    def _binary(self, size: int) -> memoryview[bytes]:
        return self._take(size).cast("c")

    def _list(self, size: int) -> list[Any]:
        self._enter(size + 1)
        items = [self._value() for _ in range(size)]
        self._depth -= 1
        return items

    def _map(self, size: int) -> dict[str, Any]:
        self._enter(2 * size + 1)  # a key takes as much as a value
        items = {self._key(): self._value() for _ in range(size)}
        self._depth -= 1
        return array_document(items) if "nd" in items else items

    def _key(self) -> str:
        start = self._position
        key = self._value()
        if isinstance(key, memoryview):
            key = str(key, "utf-8", "replace")
        if not isinstance(key, str):
            raise ValueError(f"the key at byte {start} is not a string")
        return key

    def _enter(self, items: int) -> None:
        """Begin a list or map, which is an item itself and takes memory for so many more."""
        self._items += items
        if self._items > self._limits.items:
            raise ValueError(
                f"it has more than the {self._limits.items} items of --max-json-items; send arrays "
                "as raw bytes"
            )
        self._depth += 1
        if self._depth > self._limits.depth:
            raise ValueError(f"more than {self._limits.depth} lists and maps inside each other")

    def _refuse(self, first: int) -> Any:
        place = self._position - 1
        if first == 0xC1:  # never used, says the specification
            raise ValueError(f"0xc1 at byte {place} is not valid MessagePack")
        raise ValueError(f"the extension type at byte {place} is not supported")


_Read = Callable[[Decoder, int], Any]


def _sized(take: _Read, form: str) -> _Read:
    """Make the reader of a value with its length before it."""
    length = struct.Struct(form)
    return lambda decoder, first: take(decoder, decoder._number(length))


def _numeric(form: str) -> _Read:
    number = struct.Struct(form)
    return lambda decoder, first: decoder._number(number)


def _readers() -> list[_Read]:
    """Make the reader for each first byte, in the order of the specification's table."""
    table: list[_Read] = [Decoder._refuse] * 256
    table[0x00:0x80] = [lambda decoder, first: first] * 0x80
    table[0x80:0x90] = [lambda decoder, first: decoder._map(first & 0x0F)] * 0x10
    table[0x90:0xA0] = [lambda decoder, first: decoder._list(first & 0x0F)] * 0x10
    table[0xA0:0xC0] = [lambda decoder, first: decoder._text(first & 0x1F)] * 0x20
    table[0xC0] = lambda decoder, first: None
    table[0xC2] = lambda decoder, first: False
    table[0xC3] = lambda decoder, first: True
    table[0xC4:0xC7] = [_sized(Decoder._binary, form) for form in (">B", ">H", ">I")]
    table[0xCA:0xCC] = [_numeric(form) for form in (">f", ">d")]
    table[0xCC:0xD0] = [_numeric(form) for form in (">B", ">H", ">I", ">Q")]
    table[0xD0:0xD4] = [_numeric(form) for form in (">b", ">h", ">i", ">q")]
    table[0xD9:0xDC] = [_sized(Decoder._text, form) for form in (">B", ">H", ">I")]
    table[0xDC:0xDE] = [_sized(Decoder._list, form) for form in (">H", ">I")]
    table[0xDE:0xE0] = [_sized(Decoder._map, form) for form in (">H", ">I")]
    table[0xE0:] = [lambda decoder, first: first - 0x100] * 0x20
    return table


_READERS = _readers()
