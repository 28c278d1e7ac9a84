"""The access log: one line for each request, with status, sizes and timings."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime_core.contracts import AnsweredRequest, Layer, Place, ServerContext, ServerParts
from runtime_core.server.responses import RUN_ID_HEADER, TIMING_HEADER, milliseconds

_PAUSE = 0.05  # seconds to collect lines: waking the thread for each would slow the requests
_SECONDS_TO_END = 1.0
_MOST_WAITING = 10_000  # lines; a stalled reader of stderr loses the others


def build(server: ServerContext) -> ServerParts:
    """Write a line for every request to stderr, in the chosen format."""
    lines = LineWriter(LINES[server.options.log_format])

    def wrap(app: ASGIApp) -> ASGIApp:
        async def log(scope: Scope, receive: Receive, send: Send) -> None:
            exchange = Exchange(scope, receive, send)
            try:
                await app(scope, exchange.receive, exchange.send)
            finally:
                lines.add(exchange.ended())

        return log

    layer = Layer(place=Place.EDGE, wrap=wrap, head=lambda request: None, answered=lines.add)
    return ServerParts(layers=[layer], lifespan=lines.writing)


class Exchange:
    """One request and its answer, counted while they are forwarded."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._method, self._path = scope.get("method", "WEBSOCKET"), scope["path"]
        self._receive = receive
        self._send = send
        self._start = time.perf_counter()
        self._in = self._out = 0
        self._status: int | None = None
        self._headers: Sequence[tuple[bytes, bytes]] = ()

    async def receive(self) -> Message:
        """Receive a message and count its bytes."""
        message = await self._receive()
        self._in += _size(message)
        return message

    async def send(self, message: Message) -> None:
        """Send a message and count its bytes."""
        status = message.get("status", _STATUS_OF_HANDSHAKES.get(message["type"]))
        if self._status is None and status is not None:
            self._status, self._headers = status, message.get("headers", ())
        self._out += _size(message)
        await self._send(message)

    def ended(self) -> AnsweredRequest:
        """Stop the clock and return the request and its answer in numbers."""
        headers = Headers(raw=[*self._headers])
        times = headers.get(TIMING_HEADER, "")
        forward = _FORWARD.search(times)
        return AnsweredRequest(
            method=self._method,
            path=self._path,
            status=self._status,
            run_id=headers.get(RUN_ID_HEADER),
            bytes_in=self._in,
            bytes_out=self._out,
            seconds=time.perf_counter() - self._start,
            timings=_timings(times),
            forward=None if forward is None else forward[1],
        )


class LineWriter:
    """Writes entries to stderr in a thread, so that the event loop never waits for a reader."""

    def __init__(self, line: Callable[[AnsweredRequest], str]) -> None:
        self._line = line
        self._waiting: deque[AnsweredRequest] = deque()
        self._news = threading.Event()
        self._ended = threading.Event()

    def add(self, entry: AnsweredRequest) -> None:
        """Queue an entry, unless too many wait."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(entry)
        if not self._news.is_set():
            self._news.set()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write entries inside the `with`, and the remaining ones at its end."""
        thread = threading.Thread(target=self._write, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._news.set()
            await asyncio.to_thread(thread.join, _SECONDS_TO_END)

    def _write(self) -> None:
        is_last = False
        while not is_last:
            self._news.wait()
            self._news.clear()
            is_last = self._ended.wait(_PAUSE)
            lines = [self._line(self._waiting.popleft()) for _ in range(len(self._waiting))]
            with suppress(OSError, ValueError):  # stderr is closed, or its reader is gone
                sys.stderr.write("".join(f"{line}\n" for line in lines))
                sys.stderr.flush()


_STATUS_OF_HANDSHAKES = MappingProxyType({"websocket.accept": 101, "websocket.close": 403})


def _size(message: Message) -> int:
    """Return the size of a piece of a body, or of a WebSocket message in bytes or characters."""
    return len(message.get("body") or message.get("bytes") or message.get("text") or b"")


def _timings(header: str) -> dict[str, float]:
    """Return the seconds of each stage in a header `Server-Timing`.

    >>> _timings('queue;dur=0.1, compute;dur=2.5, cache;desc="x"')
    {'queue': 0.0001, 'compute': 0.0025}
    """
    return {stage: float(milliseconds) / 1000 for stage, milliseconds in _TIMING.findall(header)}


def _facts(entry: AnsweredRequest) -> dict[str, Any]:
    """Return the logged values by name."""
    return {
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "run_id": entry.run_id,
        "bytes_in": entry.bytes_in,
        "bytes_out": entry.bytes_out,
        "milliseconds": round(1000 * entry.seconds, 3),
        **{stage: milliseconds(seconds) for stage, seconds in entry.timings.items()},
        **({} if entry.forward is None else {"forward": entry.forward}),
    }


def _text(entry: AnsweredRequest) -> str:
    path = json.dumps(entry.path)[1:-1]  # it may contain line breaks
    run = "" if entry.run_id is None else f" run_id={entry.run_id}"
    stages = [f" {stage}={1000 * value:.4g}" for stage, value in entry.timings.items()]
    forward = "" if entry.forward is None else f" forward={entry.forward}"
    return (
        f"{entry.method} {path} {entry.status}{run} bytes_in={entry.bytes_in} "
        f"bytes_out={entry.bytes_out} milliseconds={round(1000 * entry.seconds, 3)}"
        f"{''.join(stages)}{forward}"
    )


_FORWARD = re.compile(r'forward;desc="(\w+)"')
_TIMING = re.compile(r"([\w-]+);dur=([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(?![^, ])")

LINES: Mapping[str, Callable[[AnsweredRequest], str]] = MappingProxyType(
    {"text": _text, "json": lambda entry: json.dumps(_facts(entry))}
)
"""The forms of a line, by the name of `--log-format`."""
