"""A client that costs little: one kept connection that repeats one request."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Connection:
    """A connection to a server on this machine."""

    def __init__(
        self, port: int, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        fields = {"Host": "localhost", "Content-Length": len(body), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        method = "POST" if body else "GET"
        self._request = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
        self._port = port
        self.body = bytearray()  # of the last answer
        self._socket = self._connected()

    def fileno(self) -> int:
        """Return the descriptor, to wait for an answer."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call_again(self) -> bytes:
        """Call on a connection of its own."""
        self.reconnect()
        return self.call()

    def reconnect(self) -> None:
        """Connect again: servers hang up after seconds without a call."""
        self.close()
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def call(self) -> bytes:
        """Send the request and receive its answer; return the head."""
        self.send()
        return self.receive()

    def send(self) -> None:
        """Send the request."""
        self._socket.sendall(self._request)

    def receive(self) -> bytes:
        """Receive an answer, whose body replaces the last one, and return its head."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("the server has closed the connection")
            data += more
        head, _, first = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        self._receive_body(first, int(length[1]) if length else 0)
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(f"{head!r} {bytes(self.body[:500])!r}")
        return head

    def _receive_body(self, first: bytes, size: int) -> None:
        if len(self.body) != size:
            self.body = bytearray(size)
        self.body[: len(first)] = first
        read = len(first)
        with memoryview(self.body) as view:
            while read < size:
                read += self._socket.recv_into(view[read:])
