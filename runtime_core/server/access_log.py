"""One line for each request: what was asked, how it went, how much and how long."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime_core.contracts import Layer, Place, ServerContext, ServerParts
from runtime_core.server.answers import RUN_ID_HEADER, TIMING_HEADER

ACCESS = logging.getLogger("runtime_core.access")


def build(server: ServerContext) -> ServerParts:
    """Log every request in the format that was chosen."""
    line = LINES[server.options.log_format]
    return ServerParts(layers=[Layer(place=Place.EDGE, wrap=lambda app: AccessLog(app, line))])


class AccessLog:
    """Counts what goes in and out, and writes a line at the end of each request."""

    def __init__(self, app: ASGIApp, line: Callable[[Mapping[str, Any]], str]) -> None:
        self._app = app
        self._line = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and log it, whatever becomes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            exchange.end()
            ACCESS.handle(_record(_Late(self._line, exchange)))


class _Exchange:
    """One request and its answer, while they pass by."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._method, self._path = scope["method"], scope["path"]
        self._receive = receive
        self._send = send
        self._start = time.perf_counter()
        self._seconds = 0.0
        self._in = self._out = 0
        self._answer: Message | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        self._in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._answer = message
        else:
            self._out += len(message.get("body", b""))
        await self._send(message)

    def end(self) -> None:
        self._seconds = time.perf_counter() - self._start

    def facts(self) -> dict[str, Any]:
        headers = Headers(raw=self._answer["headers"] if self._answer else [])
        return {
            "method": self._method,
            "path": self._path,
            "status": self._answer["status"] if self._answer else None,
            "run_id": headers.get(RUN_ID_HEADER),
            "bytes_in": self._in,
            "bytes_out": self._out,
            "milliseconds": round(1000 * self._seconds, 3),
            **_timings(headers.get(TIMING_HEADER, "")),
        }


class _Late:
    """Becomes a line when it is written, which is not on the event loop."""

    def __init__(self, line: Callable[[Mapping[str, Any]], str], exchange: _Exchange) -> None:
        self._line = line
        self._exchange = exchange

    def __str__(self) -> str:
        return self._line(self._exchange.facts())


def _record(line: _Late) -> logging.LogRecord:
    """Return what `ACCESS.info` would log; that would also search the stack for its caller."""
    return logging.LogRecord(ACCESS.name, logging.INFO, __file__, 0, "%s", (line,), None)


def _timings(header: str) -> dict[str, float]:
    """Return the milliseconds of each stage in a header `Server-Timing`.

    >>> _timings("queue;dur=0.1, compute;dur=2.5")
    {'queue': 0.1, 'compute': 2.5}
    """
    pairs = (part.strip().partition(";dur=") for part in header.split(",") if part)
    return {stage: float(milliseconds) for stage, _, milliseconds in pairs}


def _text(facts: Mapping[str, Any]) -> str:
    method, path, status, *others = facts
    shown = " ".join(f"{key}={facts[key]}" for key in others if facts[key] is not None)
    quoted = json.dumps(facts[path])[1:-1]  # a path may hold anything, a line is one line
    return f"{facts[method]} {quoted} {facts[status]} {shown}"


LINES: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {"text": _text, "json": json.dumps}
)
"""How a request is written, by the name of `--log-format`."""
