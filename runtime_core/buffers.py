"""Buffers that travel beside a document's tree, so that no array is copied into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby

from runtime_core.contracts.calls import Buffer

PLACEHOLDER = re.compile(rb"buffer-[0-9a-f]{32}-[0-9]+")
"""The form, in ASCII, of the strings that stand for buffers in a tree."""


class Buffers(Mapping[str, memoryview]):
    """The buffers of one document by placeholder.

    Placeholders begin with 128 random bits, so that no text of a user can be one.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, memoryview] = {}

    @cached_property
    def _prefix(self) -> str:
        return f"buffer-{os.urandom(16).hex()}-"

    def add(self, buffer: Buffer) -> str:
        """Keep a buffer and return its placeholder."""
        placeholder = f"{self._prefix}{len(self._buffers)}"
        self._buffers[placeholder] = memoryview(buffer)
        return placeholder

    def __getitem__(self, placeholder: str) -> memoryview:
        """Return the buffer that a placeholder stands for."""
        return self._buffers[placeholder]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the placeholders in order of addition."""
        return iter(self._buffers)

    def __len__(self) -> int:
        """Return the number of buffers."""
        return len(self._buffers)


SMALL = 1 << 16
"""Pieces of fewer bytes are joined: to send each by itself would cost more than to copy it."""


def joined(pieces: Iterable[Buffer]) -> Iterator[Buffer]:
    """Yield large pieces as they are and runs of small ones as one.

    >>> list(joined([b"a", b"b"]))
    [b'ab']
    """
    for small, run in groupby(pieces, key=lambda piece: memoryview(piece).nbytes < SMALL):
        if small:
            yield b"".join(run)
        else:
            yield from run
