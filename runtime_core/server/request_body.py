"""Reading the body of a request, within the limits of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, InvalidPayload, ShuttingDown, SlowBody
from runtime_core.server.admission import Admitted
from runtime_core.server.cancelling import OwnCancellation
from runtime_core.workers import BodyBuffer

_IDLE_SECONDS = 30.0
"""A body of which nothing arrives for so long is given up."""


class Reading:
    """The bodies that are arriving: each may pause for a while, until the server is stopped."""

    def __init__(self) -> None:
        self.is_stopped = False
        self.waiting: set[Patience] = set()

    def patience(self) -> Patience:
        """Return what ends the reading of a body, in a `with`, when it has lasted too long."""
        return Patience(self)

    def stop(self) -> None:
        """Give up what has not arrived yet."""
        self.is_stopped = True
        for patience in self.waiting:
            patience.end()


class Patience:
    """Waits for one body inside a `with`; `SlowBody` or `ShuttingDown` when that is too long."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._cancellation = OwnCancellation.of_current_task()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._wait(0.0 if self._reading.is_stopped else _IDLE_SECONDS)
        self._reading.waiting.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(None)
        self._reading.waiting.discard(self)
        if not self._cancellation.settle(kind):
            return
        if self._reading.is_stopped:
            raise ShuttingDown("The server is being stopped.") from None
        raise SlowBody(f"Nothing of the body has arrived for {_IDLE_SECONDS:g} s.") from None

    def renew(self) -> None:
        """Wait anew, for something has arrived."""
        if not self._reading.is_stopped:
            self._wait(_IDLE_SECONDS)

    def end(self) -> None:
        """Wait no longer."""
        if not self._cancellation.is_requested:
            self._wait(0.0)

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._cancellation.request)


async def read_body(
    receive: Receive, arriving: BodyBuffer, place: Admitted, reading: Reading, *, limit: int
) -> Buffer:
    """Return the whole body of a request.

    Raises `BodyTooLarge`, `QueueFull`, `SlowBody`, `ShuttingDown`, and `ClientDisconnect` when the
    client hangs up; then the body has been discarded.
    """
    try:
        with reading.patience() as patience:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                piece = message.get("body", b"")
                _refuse_large(arriving.size + len(piece), limit)
                place.reserve(arriving.size + len(piece))
                arriving.add(piece)
                if not message.get("more_body", False):
                    return arriving.finished()
                patience.renew()
    except BaseException:
        arriving.discard()
        raise


def announced_size(fields: Mapping[str, str], limit: int) -> int | None:
    """Return the size of a body that has one announced; `BodyTooLarge` if that is too much."""
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
