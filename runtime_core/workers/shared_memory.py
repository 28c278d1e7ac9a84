"""Memory shared between a supervisor and its workers, so that large bodies cross no socket.

A shared buffer has no name, so that a killed process leaves nothing behind. It is an anonymous
file in memory (memfd_create), which the size of /dev/shm does not limit, or an unlinked temporary
file on other platforms.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence

from runtime_core.contracts import Buffer, Call

SMALLEST = 1 << 16
"""Smaller bodies are sent in the messages themselves."""

_POPULATE = getattr(mmap, "MAP_POPULATE", 0)
"""Makes Linux map all pages of a shared buffer at once, not at the first access to each."""

_KEPT = 4
"""The most idle shared buffers. New memory is slow: its first access costs as much as a copy."""


class SharedBuffer:
    """A growing piece of shared memory; a process that has its descriptor can map it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._map: mmap.mmap | None = None

    @classmethod
    def create(cls) -> SharedBuffer:
        """Return a new and empty shared buffer."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("tesseract-runtime", os.MFD_CLOEXEC))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def view(self, size: int, *, at_once: bool = True) -> memoryview:
        """Return the first `size` bytes for reading and writing; the shared buffer grows if needed.

        Unless used `at_once`, it takes memory page by page, at the first access.
        """
        if os.fstat(self.descriptor).st_size < size:  # another process may have emptied it
            os.ftruncate(self.descriptor, size)
        if self._map is None or len(self._map) < size:
            flags = mmap.MAP_SHARED | (_POPULATE if at_once else 0)
            self._map = mmap.mmap(self.descriptor, size, flags)  # an old one ends with its views
        return memoryview(self._map)[:size]

    def whole(self) -> memoryview:
        """Return all bytes, which take memory page by page."""
        return self.view(os.fstat(self.descriptor).st_size, at_once=False)

    def fill(self, pieces: Sequence[memoryview]) -> int:
        """Copy pieces to the beginning, one after another; return their size."""
        view = self.view(sum(piece.nbytes for piece in pieces))
        start = 0
        for piece in pieces:
            view[start : start + piece.nbytes] = piece
            start += piece.nbytes
        return start

    def holds(self, buffer: Buffer) -> bool:
        """Recognize a view of this shared buffer."""
        return isinstance(buffer, memoryview) and buffer.obj is self._map

    def empty(self) -> None:
        """Free the memory; nothing here or in another process may use a view of it."""
        self._map = None
        os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Free the memory, once the last view of it is gone."""
        self._map = None
        os.close(self.descriptor)


class SharedBufferPool:
    """The shared buffers of one supervisor: leased for a call, and kept for the next."""

    def __init__(self) -> None:
        self._idle: list[SharedBuffer] = []
        self._leased: list[SharedBuffer] = []
        self._is_closed = False

    def lease(self) -> SharedBuffer:
        """Return a shared buffer for exclusive use; it must be released."""
        shared_buffer = self._idle.pop() if self._idle else SharedBuffer.create()
        self._leased.append(shared_buffer)
        return shared_buffer

    def release(self, shared_buffer: SharedBuffer) -> None:
        """Take a shared buffer back; its views must not be used any more."""
        if self._is_closed:
            return
        self._leased.remove(shared_buffer)
        if len(self._idle) < _KEPT:
            self._idle.append(shared_buffer)
        else:
            shared_buffer.close()

    def holding(self, buffer: Buffer) -> SharedBuffer | None:
        """Return the leased shared buffer that a buffer is a view of."""
        if not isinstance(buffer, memoryview):
            return None
        return next((candidate for candidate in self._leased if candidate.holds(buffer)), None)

    def release_call(self, call: Call) -> None:
        """Release the body of a call, and its segment."""
        if not isinstance(call.body, bytes):
            self.release_body([call.body])
        if call.segment is not None:
            call.segment.close()

    def release_body(self, body: Sequence[Buffer]) -> None:
        """Release the shared buffers that hold the parts of a body."""
        for buffer in body:
            shared_buffer = self.holding(buffer)
            if shared_buffer is not None:
                self.release(shared_buffer)

    def shrink(self) -> None:
        """Free the memory of all idle shared buffers."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Free everything; a leased shared buffer is freed with its last view."""
        self._is_closed = True
        self.shrink()
        while self._leased:
            self._leased.pop().close()
