"""One line for each request: what was asked, how it went, how much and how long."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        exchange = _Exchange(receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            if ACCESS.isEnabledFor(logging.INFO):
                ACCESS.handle(_record(_Late(self._line, exchange.entry(scope))))


class _Exchange:
    """One request and its answer, while they pass by."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._start = time.perf_counter()
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

    def entry(self, scope: Scope) -> _Entry:
        return _Entry(
            method=scope["method"],
            path=scope["path"],
            answer=self._answer,
            bytes_in=self._in,
            bytes_out=self._out,
            seconds=time.perf_counter() - self._start,
        )


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """What is logged of a request; `answer` is the head of the answer, if there was one."""

    method: str
    path: str
    answer: Message | None
    bytes_in: int
    bytes_out: int
    seconds: float

    def facts(self) -> dict[str, Any]:
        headers = Headers(raw=self.answer["headers"] if self.answer else [])
        return {
            "method": self.method,
            "path": self.path,
            "status": self.answer["status"] if self.answer else None,
            "run_id": headers.get(RUN_ID_HEADER),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "milliseconds": round(1000 * self.seconds, 3),
            **_timings(headers.get(TIMING_HEADER, "")),
        }


class _Late:
    """Becomes a line when it is written, which is not on the event loop."""

    def __init__(self, line: Callable[[Mapping[str, Any]], str], entry: _Entry) -> None:
        self._line = line
        self._entry = entry

    def __str__(self) -> str:
        return self._line(self._entry.facts())


def _record(line: _Late) -> logging.LogRecord:
    """Return what `ACCESS.info` would log; that would also search the stack for its caller."""
    return logging.LogRecord(
        name=ACCESS.name,
        level=logging.INFO,
        pathname=__file__,
        lineno=0,
        msg="%s",
        args=(line,),
        exc_info=None,
    )


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
