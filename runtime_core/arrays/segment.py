"""Arrays in a segment: memory that a client shares with a server on the same machine.

A document names their places, as `{"buffer": "OFFSET:SIZE", "encoding": "segment"}`. That is valid
only together with a segment, so it is not an array encoding of plugins and schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pybase64

from runtime_core.arrays.array_bytes import bytes_of_array, owned_array_of_bytes
from runtime_core.arrays.coercion import AnyArray
from runtime_core.contracts import ArraySpec, CallScope, EncodedData
from runtime_core.errors import UnreadableDocument

SEGMENT = "segment"
"""The `encoding` of arrays in a segment, and the key of that in the pydantic context."""

_LEAST = 1 << 16  # bytes of an array; smaller ones stay in the document
_ALIGNMENT = 64  # bytes
_PLACE = re.compile(r"([0-9]{1,15}):([0-9]{1,15})")


class Segment:
    """The arrays of one document in shared memory, whose size does not change.

    The other process may change its contents at any time: an array is copied out before anything
    in it is looked at.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._end = 0

    def encode(self, array: AnyArray) -> EncodedData | None:
        """Copy an array in wire order to the next place; `None` if it is small or has no room."""
        data = bytes_of_array(array)
        start, end = self._end, self._end + data.nbytes
        if data.nbytes < _LEAST or end > len(self._memory):
            return None
        self._memory[start:end] = data
        self._end += -(-data.nbytes // _ALIGNMENT) * _ALIGNMENT
        return {"buffer": f"{start}:{data.nbytes}"}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> AnyArray:
        """Copy an array out; raises `ValueError` for a place of another size or outside."""
        start, size = _place(data["buffer"])
        if start + size > len(self._memory):
            raise ValueError(f"it ends after the {len(self._memory)} bytes of the segment")
        return owned_array_of_bytes(self._memory[start : start + size], spec)

    def inline(self, tree: Any) -> None:
        """Write the arrays of a tree as base64, for user code that may see their documents.

        Raises `UnreadableDocument` if they take more memory than the segment has.
        """
        parts = [(data, *_place(data["buffer"])) for data in _parts(tree)]
        total = sum(size for _, _, size in parts)
        if total > len(self._memory):
            message = f"The arrays take {total} bytes of a segment of {len(self._memory)} bytes."
            raise UnreadableDocument(message)
        for data, start, size in parts:
            text = pybase64.b64encode_as_string(self._memory[start : start + size])
            data.update(buffer=text, encoding="base64")


def _place(buffer: Any) -> tuple[int, int]:
    match = _PLACE.fullmatch(buffer) if isinstance(buffer, str) else None
    if match is None:
        raise ValueError("the buffer must be a place in the segment, OFFSET:SIZE")
    return int(match[1]), int(match[2])


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the `data` of each array in a segment."""
    kind = type(node)
    if kind is dict and node.get("encoding") == SEGMENT:
        if _PLACE.fullmatch(str(node.get("buffer"))):
            yield node
    elif kind is dict or kind is list:
        for item in node.values() if kind is dict else node:
            if type(item) in (dict, list):
                yield from _parts(item)
