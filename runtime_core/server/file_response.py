"""Files as HTTP responses, whole or a range of bytes (RFC 9110, section 14)."""

from __future__ import annotations

import asyncio
import os
import re
from email.utils import formatdate
from typing import BinaryIO
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from runtime_core.server.responses import SLICE


class FileResponse:
    """An open file to save, of which pieces are in memory; it is closed once it is sent.

    Starlette's opens a file by its name, which may lead to another one by then, and sends what is
    appended meanwhile. Of several ranges in one request none is used.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        facts = os.fstat(file.fileno())
        self._size = facts.st_size
        self._tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        self._headers = {
            "content-type": "application/octet-stream",  # a page of a browser must not run it
            "content-disposition": f"attachment; filename*=utf-8''{quote(name)}",
            "x-content-type-options": "nosniff",
            "cache-control": "private, no-cache",  # a later run may have the same id
            "accept-ranges": "bytes",
            "last-modified": formatdate(facts.st_mtime, usegmt=True),
            "etag": self._tag,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a `GET` or `HEAD`."""
        with self._file:
            status, start, stop = self._part(Headers(scope=scope))
            headers = dict(self._headers)
            if status != _NOT_MODIFIED:
                headers["content-length"] = str(stop - start)
            if status == _PARTIAL:
                headers["content-range"] = f"bytes {start}-{stop - 1}/{self._size}"
            if status == _UNSATISFIABLE:
                headers["content-range"] = f"bytes */{self._size}"
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": raw})
            if scope["method"] != "HEAD":
                await self._send(start, stop, send)
            await send({"type": "http.response.body", "body": b""})

    async def _send(self, start: int, stop: int, send: Send) -> None:
        descriptor = self._file.fileno()
        while start < stop:
            # A disk may be slow, and other requests wait for the event loop.
            piece = await asyncio.to_thread(os.pread, descriptor, min(SLICE, stop - start), start)
            if not piece:
                return  # it has become shorter: the connection is cut
            start += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    def _part(self, headers: Headers) -> tuple[int, int, int]:
        """Return the status of the answer, and the bytes to send."""
        known = headers.get("if-none-match", "")
        if self._tag in known or known.strip() == "*":
            return _NOT_MODIFIED, 0, 0
        match = _RANGE.fullmatch(headers.get("range", ""))
        if (
            match is None
            or _is_reversed(*match.groups())
            or headers.get("if-range", self._tag) != self._tag
        ):
            return _WHOLE, 0, self._size
        first, last = match.groups()
        start = int(first) if first else max(self._size - int(last), 0)
        stop = min(int(last) + 1, self._size) if first and last else self._size
        return (_PARTIAL, start, stop) if start < stop else (_UNSATISFIABLE, 0, 0)


def _is_reversed(first: str, last: str) -> bool:
    """Check whether a range ends before it begins, which makes it invalid (RFC 9110, 14.1.1)."""
    return bool(first and last) and int(last) < int(first)


_WHOLE, _PARTIAL, _NOT_MODIFIED, _UNSATISFIABLE = 200, 206, 304, 416
_RANGE = re.compile(r"bytes=(?!-$)(\d{0,18})-(\d{0,18})")
