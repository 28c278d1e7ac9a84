"""Reading the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, InvalidPayload, SlowBody
from runtime_core.server.admission import Admitted
from runtime_core.workers import ArrivingBody

_IDLE_SECONDS = 30.0
"""A body of which nothing arrives for so long is given up."""


async def read_body(
    request: Request, arriving: ArrivingBody, place: Admitted, *, limit: int
) -> Buffer:
    """Return the whole body of a request.

    Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, and `ClientDisconnect` when the client hangs
    up; then the body has been discarded.
    """
    try:
        async with asyncio.timeout(_IDLE_SECONDS) as idle:
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
                idle.reschedule(asyncio.get_running_loop().time() + _IDLE_SECONDS)
    except TimeoutError:
        arriving.discard()
        raise SlowBody(f"Nothing of the body has arrived for {_IDLE_SECONDS:g} s.") from None
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
