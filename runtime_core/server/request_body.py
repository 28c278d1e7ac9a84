"""Receiving the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, ShuttingDown, SlowBody, TesseractRuntimeError
from runtime_core.server.admission import Reserve
from runtime_core.server.headers import invalid_request
from runtime_core.workers import BodyBuffer

_IDLE_SECONDS = 30.0  # without a byte
_LEAST_RATE = 1024  # bytes a second, on average
_SECONDS_TO_GET_GOING = 30.0  # in addition
_LONGEST_SECONDS = 3600.0  # for the whole body


class BodyReader:
    """Receives the bodies of requests; each must keep coming, until the server is stopped."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._is_stopped = False
        self._timeouts: set[asyncio.Timeout] = set()

    def stop(self) -> None:
        """Refuse the bodies that have not arrived yet."""
        self._is_stopped = True
        for timeout in self._timeouts:
            self._renew(timeout)

    async def read(
        self, receive: Receive, arriving: BodyBuffer, reserve: Reserve, admit: Callable[[], None]
    ) -> Buffer:
        """Return the whole body of a request, which `admit` may refuse once it is complete.

        Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, `ShuttingDown`, and `ClientDisconnect` when
        the client hangs up; then the body has been discarded.
        """
        start = asyncio.get_running_loop().time()
        timeout = asyncio.timeout(None)
        self._timeouts.add(timeout)
        try:
            async with timeout:
                while True:
                    self._renew(timeout, latest=start + _seconds_for(arriving.size))
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    piece = message.get("body", b"")
                    _refuse_large(arriving.size + len(piece), self._limit)
                    reserve(arriving.size + len(piece))
                    arriving.add(piece)
                    if not message.get("more_body", False):
                        admit()
                        return arriving.finished()
        except BaseException as error:
            arriving.discard()
            if isinstance(error, TimeoutError):
                raise self._lateness(arriving.size) from None
            raise
        finally:
            self._timeouts.discard(timeout)

    def _lateness(self, size: int) -> TesseractRuntimeError:
        if self._is_stopped:
            return ShuttingDown("The server is being stopped.")
        return SlowBody(
            f"The body arrives too slowly, {size} bytes so far. It may pause for "
            f"{_IDLE_SECONDS:g} s, must come at {_LEAST_RATE} bytes a second, and be complete "
            f"after {_LONGEST_SECONDS:g} s."
        )

    def _renew(self, timeout: asyncio.Timeout, *, latest: float = math.inf) -> None:
        """Extend the timeout; once the server is stopped, only bytes that are here are read."""
        if not timeout.expired():
            seconds = 0.0 if self._is_stopped else _IDLE_SECONDS
            timeout.reschedule(min(asyncio.get_running_loop().time() + seconds, latest))


def _seconds_for(size: int) -> float:
    """Return the seconds after which more than `size` bytes must have arrived."""
    return min(_SECONDS_TO_GET_GOING + size / _LEAST_RATE, _LONGEST_SECONDS)


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
