"""Memory that a client shares with a server on the same machine, for large arrays."""

from __future__ import annotations

import mmap
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from pydantic_core import from_json

_LEAST = 1 << 20  # bytes of a document; smaller ones are as fast in a message
_ROUNDING = 1 << 20
_SECONDS_TO_REGISTER = 10.0
_MOST_IDLE = 4
_LONGEST_ANSWER = 4096  # bytes


class RegisteredSegment:
    """A segment that a server knows by its `token`, as long as it is open."""

    def __init__(self, memory: memoryview, connection: socket.socket, token: str) -> None:
        self.memory = memory
        self.token = token
        self._connection = connection

    @classmethod
    def registered(cls, path: str, size: int) -> Self:
        """Make a segment and register it; `OSError` or `ValueError` if the server refuses it."""
        import fcntl  # not on Windows

        descriptor = os.memfd_create("tesseract-segment", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            os.ftruncate(descriptor, size)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            connection.settimeout(_SECONDS_TO_REGISTER)
            connection.connect(path)
            socket.send_fds(connection, [b"segment"], [descriptor])
            token = from_json(connection.recv(_LONGEST_ANSWER)).get("token")
            if not isinstance(token, str):
                raise ValueError("the server has refused the segment")
            connection.setblocking(False)
            return cls(memoryview(mmap.mmap(descriptor, size)), connection, token)
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(descriptor)

    @property
    def is_known(self) -> bool:
        """Whether the server still knows it: it has not closed the connection."""
        try:
            return bool(self._connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Free the memory, once a call that the server may still compute has ended."""
        self.memory.release()
        self._connection.close()


class SegmentPool:
    """The segments of one client, as large as its largest document so far.

    New memory is slow, as each page is cleared first: segments are kept for the next call.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._wanted = 0
        self._idle: list[RegisteredSegment] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def note(self, size: int) -> None:
        """Note the size of a document that was sent or received outside of a segment."""
        if size >= _LEAST:
            self._wanted = max(self._wanted, size)

    @contextmanager
    def lent(self) -> Iterator[RegisteredSegment | None]:
        """Lend a segment to one call, if there was a large document and the server takes one.

        After a failure it is not used again: the server may still compute, and write to it.
        """
        segment = self._taken() if self._wanted else None
        try:
            yield segment
        except BaseException:
            if segment is not None:
                segment.close()
            raise
        if segment is not None:
            self._give_back(segment)

    def close(self) -> None:
        """Free the memory."""
        with self._lock:
            self._is_closed = True
            while self._idle:
                self._idle.pop().close()

    def _taken(self) -> RegisteredSegment | None:
        while True:
            with self._lock:
                segment = self._idle.pop() if self._idle else None
            if segment is None:
                break
            if len(segment.memory) >= self._wanted and segment.is_known:
                return segment
            segment.close()
        size = -(-self._wanted // _ROUNDING) * _ROUNDING + _ROUNDING
        with suppress(OSError, ValueError):  # then arrays stay in the documents
            return RegisteredSegment.registered(self._path, size)
        return None

    def _give_back(self, segment: RegisteredSegment) -> None:
        with self._lock:
            if not self._is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(segment)
                return
        segment.close()
