"""Reading the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, InvalidPayload, ShuttingDown, SlowBody
from runtime_core.server.admission import Admitted
from runtime_core.workers import ArrivingBody

_IDLE_SECONDS = 30.0
"""A body of which nothing arrives for so long is given up."""


class Reading:
    """The bodies that are arriving: each may pause for a while, until the server is stopped."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._patience: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def patience(self) -> AsyncIterator[asyncio.Timeout]:
        """Wait inside the `with`; `SlowBody` or `ShuttingDown` when that has become too long."""
        try:
            async with asyncio.timeout(0 if self.is_stopped else _IDLE_SECONDS) as timeout:
                self._patience.add(timeout)
                try:
                    yield timeout
                finally:
                    self._patience.discard(timeout)
        except TimeoutError:
            if self.is_stopped:
                raise ShuttingDown("The server is being stopped.") from None
            raise SlowBody(f"Nothing of the body has arrived for {_IDLE_SECONDS:g} s.") from None

    def stop(self) -> None:
        """Give up what has not arrived yet."""
        self.is_stopped = True
        now = asyncio.get_running_loop().time()
        for timeout in self._patience:
            timeout.reschedule(now)


async def read_body(
    request: Request, arriving: ArrivingBody, place: Admitted, reading: Reading, *, limit: int
) -> Buffer:
    """Return the whole body of a request.

    Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, `ShuttingDown`, and `ClientDisconnect` when the
    client hangs up; then the body has been discarded.
    """
    try:
        async with reading.patience() as idle:
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                piece = message.get("body", b"")
                _refuse_large(arriving.size + len(piece), limit)
                place.reserve(arriving.size + len(piece))
                arriving.add(piece)
                if not message.get("more_body", False):
                    return arriving.finished()
                if not reading.is_stopped:
                    idle.reschedule(asyncio.get_running_loop().time() + _IDLE_SECONDS)
    except BaseException:
        arriving.discard()
        raise


def announced_size(request: Request, limit: int) -> int | None:
    """Return the size of a body that has one announced; `BodyTooLarge` if that is too much."""
    text = request.headers.get("content-length")
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
