"""Admission: the limits on waiting calls and on the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runtime_core.errors import QueueFull


class Admission:
    """Counts the calls that wait or are computed, and the bytes of their bodies."""

    def __init__(self, *, slots: int, size: int) -> None:
        self._free_slots = slots
        self._free_size = size
        self._size = size

    @contextmanager
    def admitted(self) -> Iterator[Admitted]:
        """Count one call inside the `with`; `QueueFull` if there are too many."""
        if self._free_slots <= 0:
            raise QueueFull("The queue is full: so many calls wait already. Try again later.")
        call = Admitted(self)
        self._free_slots -= 1
        try:
            yield call
        finally:
            self._free_slots += 1
            self._free_size += call.size

    def take(self, size: int) -> None:
        """Count bytes of a body; `QueueFull` if there are too many."""
        if size > self._free_size:
            raise QueueFull(
                f"The bodies of waiting calls would exceed {self._size} bytes together. Try again "
                "later, or raise --max-queued-bytes."
            )
        self._free_size -= size


class Admitted:
    """One call that has been admitted."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.size = 0

    def reserve(self, size: int) -> None:
        """Count the bytes of the body, once they are known to be at least `size`."""
        if size > self.size:
            self._admission.take(size - self.size)
            self.size = size
