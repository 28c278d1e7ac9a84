"""The shared memory that a worker has mapped."""

from __future__ import annotations

import os
import select
import socket
import time

from runtime_core.workers.shared_memory import SharedBuffer

_MOST = 8
_SECONDS = 10.0

_File = tuple[int, int]
"""Device and inode."""


class MappedMemory:
    """Keeps shared buffers mapped from one call to the next, because the first access is slow.

    One that has not been used for a while is released: its owner may have freed it.
    """

    def __init__(self) -> None:
        # With the times of the last calls, the oldest first.
        self._mapped: dict[_File, tuple[SharedBuffer, float]] = {}

    def mapped(self, descriptor: int) -> SharedBuffer:
        """Return the shared buffer of a descriptor, which is owned here from now on."""
        status = os.fstat(descriptor)
        file = status.st_dev, status.st_ino  # not used again while it is open here
        if file in self._mapped:
            os.close(descriptor)
            buffer, _ = self._mapped.pop(file)
        else:
            buffer = SharedBuffer(descriptor)
        self._mapped[file] = buffer, time.monotonic()
        if len(self._mapped) > _MOST:
            self._release()
        return buffer

    def release_old(self, connection: socket.socket) -> None:
        """Release what gets too old before anything arrives."""
        while self._mapped:
            _, used = next(iter(self._mapped.values()))
            seconds = used + _SECONDS - time.monotonic()
            if seconds > 0 and _arrives(connection, seconds):
                return
            self._release()

    def _release(self) -> None:
        buffer, _ = self._mapped.pop(next(iter(self._mapped)))
        buffer.close()


def _arrives(connection: socket.socket, seconds: float) -> bool:
    """Wait until something arrives; `select` could not take the descriptors of a busy server."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(1000 * seconds))
