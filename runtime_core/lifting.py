"""Lifting the long texts of arrays out of a JSON document before it is parsed.

A parser would copy the base64 of a large array twice; lifted, it is decoded from where it has
arrived. A placeholder stands in the document for each, and only an array may ever see it: whatever
else becomes of one, the document is read again as it is.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runtime_core.buffers import Buffers

if TYPE_CHECKING:
    from mmap import mmap

    import numpy as np

_KEY = b'"buffer"'
_BEFORE_TEXT = re.compile(rb'\s*:\s*"')

SHORTEST = 1 << 16
"""Texts of fewer bytes are not worth the search."""


class LiftedTexts:
    """The long texts of one document, and the arrays that have been made of them."""

    def __init__(self) -> None:
        self._texts = Buffers()
        self._arrays: dict[str, weakref.ref[np.ndarray[Any, Any]]] = {}

    def __len__(self) -> int:
        """Return how many texts have been lifted."""
        return len(self._texts)

    def lift(self, document: bytes | bytearray | mmap) -> bytes:
        """Return the document with a placeholder for each long text of a buffer."""
        pieces: list[bytes | bytearray] = []
        start = 0
        for begin, end in _long_texts(document):
            placeholder = self._texts.add(memoryview(document)[begin:end])
            pieces += [document[start:begin], placeholder.encode("ascii")]
            start = end
        return b"".join([*pieces, document[start:]])

    def text(self, data: Mapping[str, Any]) -> memoryview | None:
        """Return the text that stood in the `data` of an array, if it has been lifted."""
        buffer = data.get("buffer")
        return self._texts.get(buffer) if isinstance(buffer, str) else None

    def note(self, data: Any, array: Any) -> None:
        """Remember the array that has been made of `data`."""
        if isinstance(data, Mapping) and self.text(data) is not None:
            self._arrays[data["buffer"]] = weakref.ref(array)

    @property
    def have_arrived(self) -> bool:
        """Say whether each text is now an array that somebody holds."""
        arrays = (self._arrays.get(placeholder) for placeholder in self._texts)
        return all(array is not None and array() is not None for array in arrays)


def _long_texts(document: bytes | bytearray | mmap) -> Iterator[tuple[int, int]]:
    """Yield where long texts of buffers begin and end, those with escapes left out."""
    position = document.find(_KEY)
    while position >= 0:
        position += len(_KEY)
        opening = _BEFORE_TEXT.match(document, position)
        if opening is not None:
            begin = opening.end()
            position = document.find(b'"', begin)
            if position < 0:
                return  # it is no JSON, as the parser will tell
            if position - begin >= SHORTEST and document.find(b"\\", begin, position) < 0:
                yield begin, position
        position = document.find(_KEY, position)
