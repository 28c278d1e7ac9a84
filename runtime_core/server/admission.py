"""Who may come in: so many calls at a time, with so many bytes of bodies together."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from runtime_core.errors import QueueFull


class Admission:
    """Counts the calls that wait or are computed, and the bytes of their bodies."""

    def __init__(self, *, slots: int, size: int) -> None:
        self._free_slots = slots
        self._free_size = size
        self._size = size

    def enter(self) -> Admitted:
        """Return the place of one call, to be used in a `with`; `QueueFull` if there is none."""
        if self._free_slots <= 0:
            raise QueueFull("The queue is full: so many calls wait already. Try again later.")
        self._free_slots -= 1
        return Admitted(self)

    def take(self, size: int) -> None:
        """Count bytes of a body; `QueueFull` where there are too many already."""
        if size > self._free_size:
            raise QueueFull(
                f"The bodies of waiting calls would exceed {self._size} bytes together. Try again "
                "later, or raise --max-queued-bytes."
            )
        self._free_size -= size

    def leave(self, size: int) -> None:
        """Free a place and the bytes that were counted for it."""
        self._free_slots += 1
        self._free_size += size


class Admitted:
    """The place of one call."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    def reserve(self, size: int) -> None:
        """Count the bytes of the body, once they are known to be at least `size`."""
        if size > self._size:
            self._admission.take(size - self._size)
            self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission.leave(self._size)
