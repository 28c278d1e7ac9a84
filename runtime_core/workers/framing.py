"""Messages between a supervising process and its workers, over a Unix stream socket.

A message is a JSON header, any number of buffers, and any number of descriptors: four bytes with
the length of the header (big-endian), the header, then the buffers. The header's `sizes` are the
lengths of the buffers. Descriptors come with the first byte, from supervisor to worker only.
"""

from __future__ import annotations

import json
import operator
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from runtime_core.contracts import Buffer
from runtime_core.documents import joined

_LENGTH = struct.Struct(">I")
_MOST_DESCRIPTORS = 5
_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # else programs of user code inherit descriptors

CHUNK = 1 << 16
"""The most bytes read at once, more than most messages have."""


class ConnectionEnded(Exception):
    """The other side has closed the connection, or its process has ended."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A kind, a JSON-like tree, buffers and descriptors.

    The sender keeps its descriptors; the receiver owns those it receives.
    """

    kind: str
    data: Mapping[str, Any]
    buffers: Sequence[Buffer] = ()
    descriptors: Sequence[int] = ()


class Incoming:
    """Assembles one message after another from the bytes that arrive."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._header: Mapping[str, Any] | None = None

    def add(self, data: bytes) -> Message | None:
        """Return the message that these bytes complete, if they do.

        Raises `ConnectionEnded` for no bytes, which mark an end, for an invalid message, and for
        bytes after a message.
        """
        if not data:
            raise ConnectionEnded
        if self._begun:
            self._begun += data
        message = self._message(self._begun or data)  # most messages come whole: no copy
        if message is not None:
            self._begun = bytearray()
        elif not self._begun:
            self._begun += data
        return message

    def _message(self, data: bytes | bytearray) -> Message | None:
        view = memoryview(data)
        if len(view) < _LENGTH.size:
            return None
        start = _LENGTH.size + _LENGTH.unpack_from(view)[0]
        if len(view) < start:
            return None
        if self._header is None:  # parsed once, however slowly the rest arrives
            self._header = _read_header(bytes(view[_LENGTH.size : start]))
        header = self._header
        ends = [*accumulate(header["sizes"], initial=start)]
        if len(view) < ends[-1]:
            return None
        if len(view) > ends[-1]:
            raise ConnectionEnded
        self._header = None
        buffers = [bytearray(view[begin:end]) for begin, end in pairwise(ends)]
        return Message(kind=header["kind"], data=header["data"], buffers=buffers)


def send(connection: socket.socket, message: Message) -> None:
    """Send a message without descriptors over a blocking socket."""
    try:
        for piece in pieces(message):
            connection.sendall(piece)
    except OSError:
        raise ConnectionEnded from None


def receive(connection: socket.socket) -> Message:
    """Receive a message from a blocking socket; its buffers are owned by the caller."""
    incoming, descriptors, message = Incoming(), [], None
    while message is None:
        try:
            data, attached, _, _ = socket.recv_fds(connection, CHUNK, _MOST_DESCRIPTORS, _FLAGS)
        except OSError:
            raise ConnectionEnded from None
        descriptors += attached
        message = incoming.add(data)
    return replace(message, descriptors=descriptors) if descriptors else message


def pieces(message: Message) -> list[Buffer]:
    """Return the bytes of a message; small parts are joined, as each wakes the other side."""
    views = [memoryview(buffer).cast("B") for buffer in message.buffers]
    header = {"kind": message.kind, "data": message.data, "sizes": [view.nbytes for view in views]}
    try:
        text = to_json(header)
    except PydanticSerializationError:  # names of files may have lone surrogates
        text = json.dumps(header, default=list).encode("ascii")  # a set as a list
    return list(joined([_LENGTH.pack(len(text)) + text, *(v for v in views if v.nbytes)]))


def _read_header(text: bytes) -> Mapping[str, Any]:
    """Parse a header; after an invalid one the connection cannot be used any more."""
    try:
        header = _from_json(text)
        sizes = [operator.index(size) for size in header["sizes"]]
        if min(sizes, default=0) < 0 or not isinstance(header["data"], dict):
            raise ValueError
        return {"kind": header["kind"], "data": header["data"], "sizes": sizes}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConnectionEnded from None


def _from_json(text: bytes) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)
