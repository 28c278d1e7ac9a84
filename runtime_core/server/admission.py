"""Admission: the limits on calls that wait or are computed, and on the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runtime_core.errors import BodyTooLarge, QueueFull

Reserve = Callable[[int], None]
"""Reserves the bytes of a body that have arrived so far; raises `QueueFull` or `BodyTooLarge`."""


class Admission:
    """Counts complete calls until they are computed, and the bytes of bodies as they arrive."""

    def __init__(self, *, slots: int, size: int) -> None:
        self._free_slots = slots
        self._free_size = size
        self._size = size

    def refuse_if_full(self) -> None:
        """Raise `QueueFull` if no further call could be taken at the moment."""
        if self._free_slots <= 0:
            raise QueueFull("The queue is full: so many calls wait already. Try again later.")

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count a complete call inside the `with`; `QueueFull` if there are too many."""
        self.refuse_if_full()
        self._free_slots -= 1
        try:
            yield
        finally:
            self._free_slots += 1

    @contextmanager
    def body(self, *, besides: int = 0) -> Iterator[Reserve]:
        """Count the bytes of a body inside the `with`, and those in memory `besides` it."""
        reserved = 0

        def reserve(size: int) -> None:
            nonlocal reserved
            size += besides
            if size > self._size:
                message = f"The body is larger than the {self._size} bytes of --max-queued-bytes."
                raise BodyTooLarge(message)
            self._take(size - reserved)
            reserved = size

        try:
            yield reserve
        finally:
            self._free_size += reserved

    def _take(self, size: int) -> None:
        if size > self._free_size:
            raise QueueFull(
                f"The bodies of waiting calls would exceed {self._size} bytes together. Try again "
                "later, or raise --max-queued-bytes."
            )
        self._free_size -= size
