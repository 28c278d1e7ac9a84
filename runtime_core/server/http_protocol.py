"""HTTP/1.1 of uvicorn, with bounds for untrusted clients."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from http import HTTPStatus
from typing import Any, NoReturn

import httptools
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from runtime_core.server.extensions.probes import PROBES
from runtime_core.server.responses import RETRY_AFTER, TRANSPORT, JsonResponse

_log = logging.getLogger(__name__)

_LONGEST_HEAD = 1 << 16  # bytes; browsers and proxies send a few kilobytes
_LONGEST_FIELD = 1 << 13  # bytes of one header
_SECONDS_FOR_HEAD = 30.0  # from the connection, or from the first bytes of a later request
_SECONDS_HALF_CLOSED = 1.0  # a client that has closed its side may still read, or may have gone
_SECONDS_FOR_PROBE = 2.0  # for the head, on a connection that is accepted for probes only
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_RESERVED_FOR_PROBES = 16  # such connections; for a further one the oldest is cut

_TOO_MANY_CONNECTIONS = JsonResponse(
    {"detail": "Too many connections are open. Try again later.", "run_id": None},
    status_code=503,
    headers={**RETRY_AFTER, "Connection": "close"},
)


class ConnectionLimit:
    """The most connections of a server, and those beyond them that are open for probes only."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.beyond: dict[BoundedHttpProtocol, None] = {}  # the oldest first

    def admit_for_probes(self, connection: BoundedHttpProtocol) -> None:
        """Count a connection beyond the limit, and cut the oldest if there are too many."""
        if not self.beyond:
            _log.warning("Too many connections: %d are open.", self.most)
        self.beyond[connection] = None
        if len(self.beyond) > _RESERVED_FOR_PROBES:
            next(iter(self.beyond)).transport.abort()


class BoundedHttpProtocol(HttpToolsProtocol):
    """Bounds the heads of requests, their time and the number of connections.

    Upgrades to other protocols than WebSocket are ignored (RFC 9110, 7.8).
    """

    def __init__(self, *arguments: Any, limit: ConnectionLimit, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limit = limit
        self._pending = 0  # bytes since the last progress: a head, a piece of a body, a request
        self._awaits_head = True
        self._unanswered: deque[RequestResponseCycle] = deque()  # pipelined requests
        self._ignores_upgrade = False
        self._unread = 0  # bytes of the last answer when they were counted
        self._invalid = (HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1.")
        self._head_deadline: asyncio.TimerHandle | None = None
        self._half_closed: asyncio.TimerHandle | None = None
        self._is_for_probes = len(self.connections) >= limit.most
        if self._is_for_probes:
            self.app = self._answer_probes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, for probes only if there are too many."""
        super().connection_made(transport)
        if self._is_for_probes:
            self._limit.admit_for_probes(self)
        self._limit_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers of a connection that has ended."""
        for timer in (self._head_deadline, self._half_closed, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        self._limit.beyond.pop(self, None)
        for cycle in self._unanswered:  # uvicorn tells the last one only
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio declares it
        """Keep a half-closed connection for a moment if a whole request awaits its answer."""
        if not self._is_answering or self.cycle.more_body or self.scheme == "https":
            return False  # which closes the connection; TLS cannot be half-closed
        self.cycle.keep_alive = False
        self._half_closed = self.loop.call_later(_SECONDS_HALF_CLOSED, self._give_up)
        return True

    def data_received(self, data: bytes) -> None:
        """Take bytes of a connection."""
        self._unset_keepalive_if_required()
        self._pending += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(*self._invalid)
            return
        if self._pending > _LONGEST_HEAD:
            detail = f"The head of the request is longer than {_LONGEST_HEAD} bytes."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        elif self._awaits_head and self._head_deadline is None and not self._is_answering:
            self._limit_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]  # our own key

    def on_headers_complete(self) -> None:
        """Start to answer a request, unless its head is not valid or is read again."""
        self._pending = 0
        self._ignores_upgrade = self.parser.should_upgrade() and not self._should_upgrade()
        self._check_head()
        if self._ignores_upgrade:
            return  # the parser would take the body for bytes of another protocol
        self._awaits_head = False
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        self._pending = 0
        if not self._ignores_upgrade:
            self._awaits_head = not self.parser.should_upgrade()  # what follows is not HTTP
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the end of a connection whose answer is not read."""
        self._unanswered.popleft()
        super().on_response_complete()
        if self.transport.is_closing():
            self._close_later()
        elif not self._awaits_head and not self._is_answering:
            self._limit_head()  # includes the rest of a body that the answer did not wait for

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; cut one whose last answer is not being read."""
        unread = self.transport.get_write_buffer_size()
        if unread and unread == self._unread:
            self.transport.abort()
        elif unread:
            self._unread = unread
            self._close_later()
        else:
            self.transport.close()

    def _close_later(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # `None` before the first request
        return cycle is not None and not cycle.response_complete

    def _should_upgrade(self) -> bool:
        if self.parser.get_method() != b"GET" or self._is_for_probes or self._is_answering:
            return False
        names = {name for name, _ in self.headers}  # of a whole handshake, which has no body
        is_handshake = b"sec-websocket-key" in names and not names & _FRAMING
        return is_handshake and super()._should_upgrade()

    def _feed(self, data: bytes) -> None:
        """Parse bytes; a head with an upgrade that is ignored is parsed again without it."""
        rest = memoryview(data)
        while True:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as stop:
                if not self._ignores_upgrade:
                    self.handle_websocket_upgrade()
                    return
                rest = rest[stop.args[0] :]
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        request = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        fields = (b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade")
        return request + b"".join(fields) + b"\r\n"

    def _check_head(self) -> None:
        """Refuse what this server cannot serve; the parser turns errors into its own."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):  # RFC 9112, 3.2
            detail = f"A request must have one header Host, and this one has {hosts}."
            self._invalidate(HTTPStatus.BAD_REQUEST, detail)
        if self.parser.get_method() == b"CONNECT":
            detail = "This server is not a proxy: CONNECT is not supported."
            self._invalidate(HTTPStatus.BAD_REQUEST, detail)
        for name, value in self.headers:
            if len(value) > _LONGEST_FIELD:
                detail = f"Header {name[:60].decode('latin-1')!r} exceeds {_LONGEST_FIELD} bytes."
                self._invalidate(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)

    def _invalidate(self, status: HTTPStatus, detail: str) -> NoReturn:
        self._invalid = status, detail
        raise ValueError(detail)

    def _limit_head(self) -> None:
        seconds = _SECONDS_FOR_PROBE if self._is_for_probes else _SECONDS_FOR_HEAD
        self._head_deadline = self.loop.call_later(seconds, self._refuse_late_head, seconds)

    def _refuse_late_head(self, seconds: float) -> None:
        detail = f"The head of the request did not arrive within {seconds:g} s."
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, detail)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer what is not a request, and close the connection."""
        if not self._is_answering:  # else the bytes would lie within the other answer
            body = to_json({"detail": detail})
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _give_up(self) -> None:
        """Close a half-closed connection, unless its answer is being sent."""
        if self._is_answering and not self.cycle.response_started:
            self.transport.close()

    async def _answer_probes(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_probe = scope["path"] in PROBES
        await (self.config.loaded_app if is_probe else _TOO_MANY_CONNECTIONS)(scope, receive, send)
