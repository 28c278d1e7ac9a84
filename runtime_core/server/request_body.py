"""The body of a request as it arrives, within the limits of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from runtime_core.contracts import Buffer
from runtime_core.errors import BodyTooLarge, ShuttingDown, SlowBody, TesseractRuntimeError
from runtime_core.server.admission import Admission
from runtime_core.server.deadline import Deadline
from runtime_core.server.headers import invalid_request
from runtime_core.workers import BodyBuffer

_IDLE_SECONDS = 30.0  # without a byte
_LEAST_RATE = 1024  # bytes a second, on average
_SECONDS_TO_GET_GOING = 30.0  # in addition
_LONGEST_SECONDS = 3600.0  # for the whole body


class ArrivingBodies:
    """The bodies that arrive; each must keep coming, until the server is stopped."""

    def __init__(self, *, limit: int, admission: Admission) -> None:
        self.limit = limit
        self.admission = admission
        self.is_stopped = False
        self.awaited: set[ArrivingBody] = set()

    def stop(self) -> None:
        """Refuse the bodies that have not arrived yet."""
        self.is_stopped = True
        for body in [*self.awaited]:
            body.renew()


class ArrivingBody:
    """The body of one request, whose bytes are counted until it is freed."""

    def __init__(self, bodies: ArrivingBodies, buffer: BodyBuffer) -> None:
        self._bodies = bodies
        self._buffer = buffer
        self._reserved = 0
        self._deadline: Deadline | None = None
        self._start = 0.0

    @property
    def size(self) -> int:
        """The number of bytes that have arrived."""
        return self._buffer.size

    def add(self, piece: bytes) -> None:
        """Append a piece; raises `BodyTooLarge` and `QueueFull`."""
        refuse_large(self.size + len(piece), self._bodies.limit)
        self.reserve(len(piece))
        self._buffer.add(piece)
        if self._deadline is not None:
            self.renew()

    def reserve(self, size: int) -> None:
        """Count further bytes; raises `QueueFull` and `BodyTooLarge`."""
        self._bodies.admission.reserve(size, before=self._reserved)
        self._reserved += size

    def wait(self, refuse: Callable[[TesseractRuntimeError], None]) -> None:
        """Call `refuse` with an error if the rest does not keep coming."""
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = Deadline(loop, lambda: refuse(self._lateness()))
            self._start = loop.time()
            self._bodies.awaited.add(self)
            self.renew()

    def renew(self) -> None:
        """Extend the time; once the server is stopped, only bytes that are here are read."""
        assert self._deadline is not None  # it is awaited
        age = asyncio.get_running_loop().time() - self._start
        seconds = seconds_to_wait(self.size, age)
        self._deadline.put_off(min(seconds, 0.0) if self._bodies.is_stopped else seconds)

    def finished(self) -> Buffer:
        """Return the whole body; the workers that compute the call release its memory."""
        self._stop_waiting()
        return self._buffer.finished()

    def discard(self) -> None:
        """Release the memory of a body that no call will use."""
        self._stop_waiting()
        self._buffer.discard()

    def free(self) -> None:
        """Stop counting the bytes."""
        self._bodies.admission.free(size=self._reserved)
        self._reserved = 0

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None  # which refers to this object: the memory waits for no collector
            self._bodies.awaited.discard(self)

    def _lateness(self) -> TesseractRuntimeError:
        if self._bodies.is_stopped:
            return ShuttingDown("The server is being stopped.")
        return slow_body(self.size)


def seconds_to_wait(size: int, age: float) -> float:
    """Return the seconds for the next piece of a body, of which `size` bytes came in `age`."""
    whole = min(_SECONDS_TO_GET_GOING + size / _LEAST_RATE, _LONGEST_SECONDS)
    return min(_IDLE_SECONDS, whole - age)


def slow_body(size: int) -> SlowBody:
    """Return the error of a body that has not arrived in time."""
    return SlowBody(
        f"The body arrives too slowly, {size} bytes so far. It may pause for "
        f"{_IDLE_SECONDS:g} s, must come at {_LEAST_RATE} bytes a second, and be complete "
        f"after {_LONGEST_SECONDS:g} s."
    )


def announced_size(fields: Mapping[str, str], limit: int) -> int | None:
    """Return the announced size of a body, if any; `BodyTooLarge` if it exceeds the limit."""
    text = fields.get("content-length")
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid_request("header", "content-length", "not a valid size")
    size = int(text)
    refuse_large(size, limit)
    return size


def refuse_large(size: int, limit: int) -> None:
    """Raise `BodyTooLarge` for a size beyond the limit."""
    if size > limit:
        message = f"The body is larger than the {limit} bytes that --max-body-size allows."
        raise BodyTooLarge(message)
