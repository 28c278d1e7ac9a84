"""Admission: the limits on waiting calls and on the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runtime_core.errors import QueueFull

Reserve = Callable[[int], None]
"""Reserves the size of a body, or the part of it that is known so far; `QueueFull` if too large."""


class Admission:
    """Counts the calls that wait or are computed, and the bytes of their bodies."""

    def __init__(self, *, slots: int, size: int) -> None:
        self._free_slots = slots
        self._free_size = size
        self._size = size

    @contextmanager
    def admitted(self) -> Iterator[Reserve]:
        """Count a call, and its bytes, inside the `with`; `QueueFull` if there are too many."""
        if self._free_slots <= 0:
            raise QueueFull("The queue is full: so many calls wait already. Try again later.")
        reserved = 0

        def reserve(size: int) -> None:
            nonlocal reserved
            if size > reserved:
                self._take(size - reserved)
                reserved = size

        self._free_slots -= 1
        try:
            yield reserve
        finally:
            self._free_slots += 1
            self._free_size += reserved

    def _take(self, size: int) -> None:
        if size > self._free_size:
            raise QueueFull(
                f"The bodies of waiting calls would exceed {self._size} bytes together. Try again "
                "later, or raise --max-queued-bytes."
            )
        self._free_size -= size
