"""Receiving the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, ShuttingDown, SlowBody, TesseractRuntimeError
from runtime_core.server.admission import Reserve
from runtime_core.server.headers import invalid_request
from runtime_core.workers import BodyBuffer

_IDLE_SECONDS = 30.0
"""A body is refused after so long without a byte."""


class BodyReader:
    """Receives the bodies of requests; none may pause too long, or once the server is stopped."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._is_stopped = False
        self._timeouts: set[asyncio.Timeout] = set()

    def stop(self) -> None:
        """Refuse the bodies that have not arrived yet."""
        self._is_stopped = True
        for timeout in self._timeouts:
            self._renew(timeout)

    async def read(self, receive: Receive, arriving: BodyBuffer, reserve: Reserve) -> Buffer:
        """Return the whole body of a request.

        Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, `ShuttingDown`, and `ClientDisconnect` when
        the client hangs up; then the body has been discarded.
        """
        timeout = asyncio.timeout(None)
        self._timeouts.add(timeout)
        try:
            async with timeout:
                while True:
                    self._renew(timeout)
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    piece = message.get("body", b"")
                    _refuse_large(arriving.size + len(piece), self._limit)
                    reserve(arriving.size + len(piece))
                    arriving.add(piece)
                    if not message.get("more_body", False):
                        return arriving.finished()
        except BaseException as error:
            arriving.discard()
            if isinstance(error, TimeoutError):
                raise self._lateness() from None
            raise
        finally:
            self._timeouts.discard(timeout)

    def _lateness(self) -> TesseractRuntimeError:
        if self._is_stopped:
            return ShuttingDown("The server is being stopped.")
        return SlowBody(f"Nothing of the body has arrived for {_IDLE_SECONDS:g} s.")

    def _renew(self, timeout: asyncio.Timeout) -> None:
        """Extend the timeout; once the server is stopped, only bytes that are here are read."""
        if not timeout.expired():
            seconds = 0.0 if self._is_stopped else _IDLE_SECONDS
            timeout.reschedule(asyncio.get_running_loop().time() + seconds)


def announced_size(fields: Mapping[str, str], limit: int) -> int | None:
    """Return the announced size of a body, if any; `BodyTooLarge` if it exceeds the limit."""
    text = fields.get("content-length")
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid_request("header", "content-length", "not a valid size")
    _refuse_large(int(text), limit)
    return int(text)


def _refuse_large(size: int, limit: int) -> None:
    if size > limit:
        message = f"The body is larger than the {limit} bytes that --max-body-size allows."
        raise BodyTooLarge(message)
