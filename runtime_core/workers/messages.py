"""Messages between a supervising process and its workers, over a Unix stream socket.

A message is a JSON header, any number of buffers, and any number of descriptors: four bytes with
the length of the header (big-endian), the header, then the buffers. The header's `sizes` are the
lengths of the buffers. Descriptors come with the first byte, from supervisor to worker only.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime_core.buffers import joined
from runtime_core.contracts import Buffer

_LENGTH = struct.Struct(">I")
_MOST_DESCRIPTORS = 4
_CLOSED = (OSError, ValueError)  # uvloop raises the latter for a socket that is closed here


class ConnectionEnded(Exception):
    """The other side has closed the connection, or its process has ended."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A kind, a JSON-like tree, and buffers and descriptors beside it.

    Descriptors that are sent stay the sender's; those that are received are the receiver's.
    """

    kind: str
    data: Mapping[str, Any]
    buffers: Sequence[Buffer] = ()
    descriptors: Sequence[int] = ()


def send(connection: socket.socket, message: Message) -> None:
    """Send a message without descriptors over a blocking socket."""
    try:
        for piece in _pieces(message):
            connection.sendall(piece)
    except OSError:
        raise ConnectionEnded from None


def receive(connection: socket.socket) -> Message:
    """Receive a message from a blocking socket; its buffers are owned by the caller."""
    prefix, descriptors = _first_bytes(connection)
    prefix += _filled(connection, _LENGTH.size - len(prefix))
    header = _read_header(_filled(connection, _header_length(prefix)))
    buffers = [_filled(connection, size) for size in header["sizes"]]
    return Message(
        kind=header["kind"], data=header["data"], buffers=buffers, descriptors=descriptors
    )


async def send_async(connection: socket.socket, message: Message) -> None:
    """Send a message over a non-blocking socket."""
    loop = asyncio.get_running_loop()
    first, *rest = _pieces(message)
    try:
        if message.descriptors:
            first = first[_send_with_descriptors(connection, first, message.descriptors) :]
        for piece in (first, *rest):
            await loop.sock_sendall(connection, piece)
    except _CLOSED:
        raise ConnectionEnded from None


async def receive_async(connection: socket.socket) -> Message:
    """Receive a message from a non-blocking socket; its buffers are owned by the caller."""
    length = _header_length(await _filled_async(connection, _LENGTH.size))
    header = _read_header(await _filled_async(connection, length))
    buffers = [await _filled_async(connection, size) for size in header["sizes"]]
    return Message(kind=header["kind"], data=header["data"], buffers=buffers)


def _send_with_descriptors(
    connection: socket.socket, piece: Buffer, descriptors: Sequence[int]
) -> int:
    """Send descriptors with the first bytes of a message, and return how many bytes went.

    The other side waits for this message, so that the socket has room for its beginning.
    """
    return socket.send_fds(connection, [piece], descriptors)


def _first_bytes(connection: socket.socket) -> tuple[bytearray, list[int]]:
    try:
        data, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, _MOST_DESCRIPTORS)
    except OSError:
        data, descriptors = b"", []
    if not data:
        raise ConnectionEnded
    return bytearray(data), descriptors


def _pieces(message: Message) -> list[Buffer]:
    """Return what goes over the wire; small parts together, for each wakes the other side."""
    views = [memoryview(buffer).cast("B") for buffer in message.buffers]
    header = {"kind": message.kind, "data": message.data, "sizes": [view.nbytes for view in views]}
    text = json.dumps(header).encode("ascii")
    return list(joined([_LENGTH.pack(len(text)) + text, *(v for v in views if v.nbytes)]))


def _read_header(text: bytearray) -> Mapping[str, Any]:
    """Return a header; what is none comes from a connection that cannot be used any more."""
    try:
        header = json.loads(text)
        return {key: header[key] for key in ("kind", "data", "sizes")}
    except (ValueError, KeyError, TypeError):
        raise ConnectionEnded from None


def _header_length(packed: bytearray) -> int:
    length: int = _LENGTH.unpack(packed)[0]
    return length


def _filled(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    rest = memoryview(buffer)
    while rest:
        try:
            count = connection.recv_into(rest)
        except OSError:
            count = 0
        if not count:
            raise ConnectionEnded
        rest = rest[count:]
    return buffer


async def _filled_async(connection: socket.socket, size: int) -> bytearray:
    loop = asyncio.get_running_loop()
    buffer = bytearray(size)
    rest = memoryview(buffer)
    while rest:
        try:
            count = await loop.sock_recv_into(connection, rest)
        except _CLOSED:
            count = 0
        if not count:
            raise ConnectionEnded
        rest = rest[count:]
    return buffer
