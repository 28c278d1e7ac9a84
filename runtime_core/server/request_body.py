"""Receiving the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, InvalidPayload, ShuttingDown, SlowBody
from runtime_core.server.admission import Admitted
from runtime_core.workers import BodyBuffer

_IDLE_SECONDS = 30.0
"""A body of which nothing arrives for so long is refused."""


class BodyReader:
    """Receives the bodies of requests: each may pause for a while, until the server is stopped."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._is_stopped = False
        self._timeouts: set[asyncio.Timeout] = set()

    def stop(self) -> None:
        """Refuse the bodies that have not arrived yet."""
        self._is_stopped = True
        for timeout in self._timeouts:
            self._renew(timeout)

    async def read(self, receive: Receive, arriving: BodyBuffer, place: Admitted) -> Buffer:
        """Return the whole body of a request.

        Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, `ShuttingDown`, and `ClientDisconnect` when
        the client hangs up; then the body has been discarded.
        """
        try:
            async with self._patience() as timeout:
                while True:
                    self._renew(timeout)
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    piece = message.get("body", b"")
                    _refuse_large(arriving.size + len(piece), self._limit)
                    place.reserve(arriving.size + len(piece))
                    arriving.add(piece)
                    if not message.get("more_body", False):
                        return arriving.finished()
        except BaseException:
            arriving.discard()
            raise

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[asyncio.Timeout]:
        """Give the timeout of one body; `SlowBody` or `ShuttingDown` when it has expired."""
        try:
            async with asyncio.timeout(None) as timeout:
                self._timeouts.add(timeout)
                try:
                    yield timeout
                finally:
                    self._timeouts.discard(timeout)
        except TimeoutError:
            if self._is_stopped:
                raise ShuttingDown("The server is being stopped.") from None
            raise SlowBody(f"Nothing of the body has arrived for {_IDLE_SECONDS:g} s.") from None

    def _renew(self, timeout: asyncio.Timeout) -> None:
        """Wait anew; no longer than for what has arrived already once the server is stopped."""
        if not timeout.expired():
            seconds = 0.0 if self._is_stopped else _IDLE_SECONDS
            timeout.reschedule(asyncio.get_running_loop().time() + seconds)


def announced_size(fields: Mapping[str, str], limit: int) -> int | None:
    """Return the announced size of a body, if any; `BodyTooLarge` if it exceeds the limit."""
    text = fields.get("content-length")
    if text is None:
        return None
    if not text.isdecimal():
        raise InvalidPayload(
            [{"type": "value_error", "loc": ["header", "content-length"], "msg": "no size"}]
        )
    _refuse_large(int(text), limit)
    return int(text)


def _refuse_large(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(
            f"The body is larger than the {limit} bytes that --max-body-size allows."
        )
