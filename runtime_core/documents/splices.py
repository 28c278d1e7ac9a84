"""Large buffers of arrays, written between the pieces of a document without a copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from itertools import chain
from typing import Any

from runtime_core.contracts import Buffer, EncodedArray

LARGE = 1 << 16
"""Smaller buffers are written with the text: a separate piece would cost more."""


class Splices:
    """The large buffers of one document, in the order of the tokens in their places."""

    def __init__(self) -> None:
        self._buffers: list[Buffer] = []

    @cached_property
    def _token(self) -> str:
        return os.urandom(16).hex()  # random, so that no text of a user can have it

    def mapping(self, array: EncodedArray) -> dict[str, Any]:
        """Return the mapping of an array, with a token for a large buffer."""
        buffer = array.buffer
        if not isinstance(buffer, Buffer) or memoryview(buffer).nbytes < LARGE:
            return array.document(buffer)
        self._buffers.append(buffer)
        return array.document(self._token)

    def into(
        self, text: bytes, *, before: bytes = b"", header: Callable[[Buffer], bytes] | None = None
    ) -> list[Buffer]:
        """Return the pieces of a text with the buffers between them, each after its header.

        `before` is the prefix that the format writes before a token.
        """
        if not self._buffers:
            return [text]
        first, *others = text.split(before + self._token.encode("ascii"))
        headers = (header(buffer) if header else b"" for buffer in self._buffers)
        return [first, *chain.from_iterable(zip(headers, self._buffers, others, strict=True))]
