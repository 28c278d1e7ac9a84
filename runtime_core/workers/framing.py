"""Messages between a supervising process and its workers, over a Unix stream socket.

A message is a head of fixed fields (a mark, the kind, the numbers of descriptors and parts, and a
number that an answer repeats), the sizes of the parts, and the parts; all integers are big-endian.
Descriptors come with the first byte, from supervisor to worker only.
"""

from __future__ import annotations

import socket
import struct
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from runtime_core.contracts import Buffer
from runtime_core.documents import joined

_MARK = b"TRW1"  # what user code writes to the socket does not begin with it
_HEAD = struct.Struct(">4sBBHI")
_MOST_DESCRIPTORS = 5
_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # else programs of user code inherit descriptors
_ROOM_FOR_DESCRIPTORS = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array("i").itemsize)

CHUNK = 1 << 16
"""The most bytes read at once, more than most messages have."""


BUSY = (BlockingIOError, InterruptedError)
"""What a socket raises that can take or give nothing now."""


class ConnectionEnded(Exception):
    """The other side has closed the connection, or its process has ended."""


@dataclass(kw_only=True, slots=True)
class Message:
    """A kind, a number, parts and descriptors.

    The sender keeps its descriptors; the receiver owns those it receives.
    """

    kind: int
    number: int = 0
    parts: Sequence[Buffer] = ()
    descriptors: Sequence[int] = ()


class Incoming:
    """Assembles messages from the bytes that arrive."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._needed = 0  # bytes of the message that has begun, as far as is known

    def add(self, data: bytes) -> list[tuple[Message, int]]:
        """Return the messages that these bytes complete, each with its number of descriptors.

        Raises `ConnectionEnded` for no bytes, which mark an end, and for an invalid message.
        """
        if not data:
            raise ConnectionEnded
        whole: bytes | bytearray = data  # most messages come whole: no copy
        if self._begun:
            self._begun += data
            if len(self._begun) < self._needed:
                return []
            whole = self._begun
        messages, rest, self._needed = _parsed(whole)
        self._begun = bytearray(rest)
        return messages


class Outgoing:
    """Sends messages through a socket that does not block, the rest of them later."""

    def __init__(self, endpoint: socket.socket) -> None:
        self._socket = endpoint
        self._unsent = bytearray()

    def __bool__(self) -> bool:
        """Whether the socket has not taken all that was sent."""
        return bool(self._unsent)

    def send(self, message: Message) -> None:
        """Send as much of a message as the socket takes; `ConnectionEnded` if it has ended.

        Descriptors go with the first byte: they cannot be sent later.
        """
        data = b"".join(pieces(message))
        sent = 0
        try:
            if message.descriptors:
                sent = socket.send_fds(self._socket, [data], message.descriptors)
            elif not self._unsent:
                sent = self._socket.send(data)
        except OSError as error:
            if message.descriptors or not isinstance(error, BUSY):
                raise ConnectionEnded from None
        if sent < len(data):
            self._unsent += data[sent:]

    def send_rest(self) -> None:
        """Send as much of the rest as the socket takes; `ConnectionEnded` if it has ended."""
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BUSY:
            pass
        except OSError:
            raise ConnectionEnded from None


def _parsed(data: bytes | bytearray) -> tuple[list[tuple[Message, int]], bytes | bytearray, int]:
    """Return the whole messages at the beginning, the bytes after them, and how many they need."""
    messages, start = [], 0
    while (end := start + _HEAD.size) <= len(data):
        mark, kind, descriptors, count, number = _HEAD.unpack_from(data, start)
        if mark != _MARK:
            raise ConnectionEnded
        begin = end + 8 * count
        sizes: Sequence[int] = _sizes(count).unpack_from(data, end) if begin <= len(data) else ()
        end = begin + sum(sizes)
        if end > len(data):
            break
        parts = []
        for size in sizes:
            parts.append(data[begin : begin + size])
            begin += size
        messages.append((Message(kind=kind, number=number, parts=parts), descriptors))
        start = end
    if not _MARK.startswith(data[start : start + len(_MARK)]):
        raise ConnectionEnded
    return messages, data[start:], end - start


@lru_cache(64)  # messages have few parts
def _sizes(count: int) -> struct.Struct:
    return struct.Struct(f">{count}Q")


class Channel:
    """The worker's end of the connection: a blocking socket, which may bring several messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = Incoming()
        self._messages: deque[Message] = deque()
        self._descriptors: deque[int] = deque()

    def next(self, before_waiting: Callable[[socket.socket], object] = bool) -> Message:
        """Return the next message; if it has not come, wait for it after a call of a function."""
        if not self._messages:
            before_waiting(self._connection)
        while not self._messages:
            self._receive(_FLAGS)
        return self._messages.popleft()

    def arrived(self) -> Sequence[Message]:
        """Return the messages that have arrived and are still to come, without waiting."""
        with suppress(BlockingIOError):
            self._receive(_FLAGS | socket.MSG_DONTWAIT)
        return self._messages

    def send(self, message: Message) -> None:
        """Send a message without descriptors."""
        try:
            for piece in pieces(message):
                self._connection.sendall(piece)
        except OSError:
            raise ConnectionEnded from None

    def _receive(self, flags: int) -> None:
        try:
            data, attached, _, _ = self._connection.recvmsg(CHUNK, _ROOM_FOR_DESCRIPTORS, flags)
        except BlockingIOError:
            raise
        except OSError:
            raise ConnectionEnded from None
        for _, _, numbers in attached:
            self._descriptors.extend(array("i", numbers))
        for message, count in self._incoming.add(data):
            if count:
                message.descriptors = [self._descriptors.popleft() for _ in range(count)]
            self._messages.append(message)


def pieces(message: Message) -> list[Buffer]:
    """Return the bytes of a message; small parts are joined, as each wakes the other side."""
    sizes = [*map(len, message.parts)]
    fields = (message.kind, len(message.descriptors), len(sizes), message.number)
    head = _HEAD.pack(_MARK, *fields) + _sizes(len(sizes)).pack(*sizes)
    if sum(sizes) <= CHUNK:
        return [b"".join((head, *message.parts))]
    return [*joined((head, *message.parts))]
