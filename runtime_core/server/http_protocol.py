"""HTTP/1.1 of uvicorn, with bounds for untrusted clients."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LONGEST_HEAD = 1 << 16  # bytes; browsers and proxies send a few kilobytes
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n"

ABORT = "tesseract_runtime.abort"
"""The key of the ASGI scope that holds a function which cuts the connection."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses an endless head, trailer or chunk size, and lets the application cut a connection."""

    _pending = 0
    """Bytes since the last progress: a whole head, a piece of a body or a whole request."""

    def data_received(self, data: bytes) -> None:
        """Take bytes of a connection."""
        self._pending += len(data)
        super().data_received(data)
        if self._pending > _LONGEST_HEAD:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        transport: asyncio.Transport = self.transport
        self.scope[ABORT] = transport.abort  # type: ignore[literal-required]  # a key of our own

    def on_headers_complete(self) -> None:
        """Note that the head has ended."""
        self._pending = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        self._pending = 0
        super().on_message_complete()
