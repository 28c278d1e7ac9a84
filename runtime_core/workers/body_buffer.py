"""Buffers for bodies that arrive in pieces."""

from __future__ import annotations

from runtime_core.contracts import Buffer
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer, SharedBufferPool

_GROWTH = 1.5


class BodyBuffer:
    """Collects a body, small as bytes or large in shared memory, until `finished` or `discard`.

    `expected` is the announced size, if any.
    """

    def __init__(self, shared_buffers: SharedBufferPool, *, expected: int | None) -> None:
        self._shared_buffers = shared_buffers
        self._expected = expected or 0
        self._small = bytearray()
        self._shared_buffer: SharedBuffer | None = None
        self._view = memoryview(b"")
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Append a piece."""
        if not piece:
            return
        end = self.size + len(piece)
        if self._shared_buffer is None and max(end, self._expected) < SMALLEST:
            self._small += piece
        else:
            self._reserve(end)
            self._view[self.size : end] = piece
        self.size = end

    def finished(self) -> Buffer:
        """Return the whole body; the workers that compute the call release its memory."""
        return bytes(self._small) if self._shared_buffer is None else self._view[: self.size]

    def discard(self) -> None:
        """Release the memory of a body that no call will use."""
        if self._shared_buffer is not None:
            self._view = memoryview(b"")  # an error that is being handled may hold this object
            self._shared_buffers.release(self._shared_buffer)
            self._shared_buffer = None

    def _reserve(self, size: int) -> None:
        if size <= len(self._view):
            return
        if self._shared_buffer is None:
            self._shared_buffer = self._shared_buffers.lease()
        wanted = max(size, self._expected, int(len(self._view) * _GROWTH))
        larger = self._shared_buffer.view(wanted, at_once=False)
        larger[: len(self._small)] = self._small
        self._small.clear()
        self._view = larger
