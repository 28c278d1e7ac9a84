"""Admission: the limits on calls that wait or are computed, and on the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runtime_core.errors import BodyTooLarge, QueueFull


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

    def take_slot(self) -> None:
        """Count a complete call; `QueueFull` if there are too many."""
        self.refuse_if_full()
        self._free_slots -= 1

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count a complete call inside the `with`; `QueueFull` if there are too many."""
        self.take_slot()
        try:
            yield
        finally:
            self.free(slots=1)

    def reserve(self, size: int, *, before: int = 0) -> None:
        """Count bytes of a body, after those that were counted `before`.

        Raises `QueueFull` if there are too many, and `BodyTooLarge` if there always will be.
        """
        if before + size > self._size:
            message = f"The body is larger than the {self._size} bytes of --max-queued-bytes."
            raise BodyTooLarge(message)
        if size > self._free_size:
            raise QueueFull(
                f"The bodies of waiting calls would exceed {self._size} bytes together. Try again "
                "later, or raise --max-queued-bytes."
            )
        self._free_size -= size

    def free(self, *, slots: int = 0, size: int = 0) -> None:
        """Forget calls and bytes that were counted."""
        self._free_slots += slots
        self._free_size += size
