"""HTTP/1.1 of uvicorn, with bounds for untrusted clients."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NoReturn

import httptools
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from runtime_core.contracts import Buffer
from runtime_core.server.connection_limit import ConnectionLimit
from runtime_core.server.deadline import Deadline
from runtime_core.server.direct_calls import DirectCall, DirectCalls
from runtime_core.server.extensions.probes import PROBES
from runtime_core.server.headers import TRANSPORT
from runtime_core.server.responses import RETRY_AFTER, SLICE, DocumentResponse, JsonResponse
from runtime_core.server.served_call import Answer

_LONGEST_HEAD = 1 << 16  # bytes; browsers and proxies send a few kilobytes
_LONGEST_FIELD = 1 << 13  # bytes of one header
_SECONDS_FOR_HEAD = 30.0  # from the connection, or from the first bytes of a later request
_SECONDS_HALF_CLOSED = 1.0  # a client that has closed its side may still read, or may have gone
_SECONDS_FOR_PROBE = 2.0  # for the head, on a connection that is accepted for probes only
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_STALLED_SECONDS = 60.0  # a client that takes no byte in this time is disconnected
_LARGE_PIECE = 1 << 15  # bytes; clients who send such pieces of a body have more of it

_TOO_MANY_CONNECTIONS = JsonResponse(
    {"detail": "Too many connections are open. Try again later.", "run_id": None},
    status_code=503,
    headers={**RETRY_AFTER, "Connection": "close"},
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Bounds the heads of requests, their time and the number of connections.

    Upgrades to other protocols than WebSocket are ignored (RFC 9110, 7.8).
    """

    def __init__(
        self,
        *arguments: Any,
        limit: ConnectionLimit,
        direct_calls: DirectCalls | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._limit = limit
        self._direct_calls = direct_calls
        self._direct_call: DirectCall | None = None  # whose answer is under way
        self._rest: Iterator[Buffer] = iter(())  # of that answer
        self._pending = 0  # bytes since the last progress: a head, a piece of a body, a request
        self._awaits_head = True
        self._unanswered: deque[RequestResponseCycle | DirectCall] = deque()  # pipelined requests
        self._ignores_upgrade = False
        self._unread = 0  # bytes of answers when they were last counted
        self._invalid = (HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1.")
        self._head_deadline = Deadline(self.loop, self._refuse_late_head)
        self._idle_deadline = Deadline(self.loop, self._end_idle_connection)
        self._half_closed_deadline = Deadline(self.loop, self._give_up)
        self._stall_deadline = Deadline(self.loop, self._cut_if_stalled)
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
        """Cancel the timers of a connection that has ended, and abandon its calls."""
        for deadline in (
            self._head_deadline,
            self._idle_deadline,
            self._half_closed_deadline,
            self._stall_deadline,
        ):
            deadline.cancel()
        self._limit.beyond.pop(self, None)
        if self._direct_call is not None:
            self._end(self._direct_call)
        for cycle in self._unanswered:  # uvicorn tells the last one only
            if not isinstance(cycle, DirectCall):
                cycle.disconnected = True
                cycle.message_event.set()
        self._unanswered.clear()
        if isinstance(self.cycle, DirectCall):
            self.cycle = None  # type: ignore[assignment]  # as before the first request
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio declares it
        """Keep a half-closed connection for a moment if a whole request awaits its answer."""
        if not self._is_answering or self.cycle.more_body or self.scheme == "https":
            return False  # which closes the connection; TLS cannot be half-closed
        self.cycle.keep_alive = False
        self._half_closed_deadline.put_off(_SECONDS_HALF_CLOSED)
        return True

    def data_received(self, data: bytes) -> None:
        """Take bytes of a connection."""
        self._idle_deadline.lift()
        self._pending += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(*self._invalid)
            return
        if self._direct_call is not None and self._direct_call.more_body:
            self._direct_call.wait()
            if len(data) > _LARGE_PIECE:
                self._let_others_read()
        if self._pending > _LONGEST_HEAD:
            detail = f"The head of the request is longer than {_LONGEST_HEAD} bytes."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        elif self._awaits_head and self._pending and not self._is_answering:
            self._limit_head()

    def pause_writing(self) -> None:
        """Cut the connection if no byte leaves for too long."""
        super().pause_writing()
        self._watch_reader()

    def _let_others_read(self) -> None:
        """Read on in the next turn of the event loop, which would read a fast client for long."""
        self.flow.pause_reading()
        self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def resume_writing(self) -> None:
        """Send the rest of an answer."""
        super().resume_writing()
        self._stall_deadline.lift()
        if self._direct_call is not None and self._direct_call.response_started:
            # Not now: a transport of asyncio that is closed in this call is closed twice.
            self.loop.call_soon(self._send_rest, self._direct_call)

    def on_message_begin(self) -> None:
        """Begin a request, without the scope that direct calls do not need."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Start to answer a request, unless its head is not valid or is read again."""
        self._pending = 0
        self._ignores_upgrade = self.parser.should_upgrade() and not self._should_upgrade()
        self._check_head()
        if self._ignores_upgrade:
            return  # the parser would take the body for bytes of another protocol
        self._awaits_head = False
        self._head_deadline.lift()
        if self._begin_directly():
            return
        self._make_scope()
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Forward a piece of the body."""
        self._pending = 0
        if isinstance(self.cycle, DirectCall):
            self.cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        self._pending = 0
        if not self._ignores_upgrade:
            self._awaits_head = not self.parser.should_upgrade()  # what follows is not HTTP
            if isinstance(self.cycle, DirectCall):
                self.cycle.more_body = False
                self.cycle.complete()
            else:
                super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answer the next request, or wait for it."""
        self._unanswered.popleft()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._watch_reader()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_deadline.put_off(self.timeout_keep_alive)
            if not self._awaits_head:
                self._limit_head()  # includes the rest of a body that the answer did not wait for

    def _make_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the scope has this list
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]  # our own key

    def _begin_directly(self) -> bool:
        """Begin a call that needs no ASGI, if this is one and no other request is before it."""
        if (
            self._direct_calls is None
            or self._is_for_probes
            or self._is_answering
            or self.parser.get_method() != b"POST"
        ):
            return False
        call = self._direct_calls.find(self.url, self.headers, self.transport)
        if call is None:
            return False
        call.keep_alive = (
            self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        )
        self.cycle = call  # type: ignore[assignment]  # has what is used of it
        self._direct_call = call
        self._unanswered.append(call)
        call.start(self._answer)
        return True

    def _answer(self, call: DirectCall, answer: Answer) -> None:
        """Send the answer to a direct call, as uvicorn would."""
        if isinstance(answer, DocumentResponse) and answer.size > SLICE:
            if self.scheme == "http":  # the call goes on until the kernel has all bytes
                self.transport.set_write_buffer_limits(high=0)
            self._rest = answer.slices(copied=self.scheme != "http")  # TLS keeps bytes itself
            body = next(self._rest)
        else:
            body = bytes(answer.body)
        lines = [STATUS_LINE[answer.status_code]]
        for name, value in (*self.server_state.default_headers, *answer.raw_headers):
            lines += (name, b": ", value, b"\r\n")
        if CLOSE_HEADER in answer.raw_headers:
            call.keep_alive = False
        elif not call.keep_alive:
            lines.append(b"connection: close\r\n")
        call.request.bytes_out = len(body)
        self.transport.write(b"".join((*lines, b"\r\n", body)))
        self._send_rest(call)

    def _send_rest(self, call: DirectCall) -> None:
        """Send the rest of an answer, as long as the client reads.

        Each piece has its turn of the event loop, which others need while a client reads fast.
        """
        if call is not self._direct_call or self._takes_nothing:
            return
        piece = next(self._rest, None)
        if piece is None:
            self._finish(call)
            return
        call.request.bytes_out += len(piece)
        self.transport.write(piece)
        if not self._takes_nothing:
            self.loop.call_soon(self._send_rest, call)

    @property
    def _takes_nothing(self) -> bool:
        return self.flow.write_paused or self.transport.is_closing()

    def _finish(self, call: DirectCall) -> None:
        self._end(call)
        if not call.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _end(self, call: DirectCall) -> None:
        self._direct_call = None
        self._rest = iter(())  # with its view of the memory of the call
        call.response_complete = True
        call.end()

    def _end_idle_connection(self) -> None:
        """Close an idle connection whose last answer has been read."""
        if self.transport.get_write_buffer_size():
            self._watch_reader()
            self._idle_deadline.put_off(self.timeout_keep_alive)
        else:
            self.transport.close()

    def _watch_reader(self) -> None:
        """Cut the connection after a while if its client reads nothing."""
        self._unread = self.transport.get_write_buffer_size()
        self._stall_deadline.put_off(_STALLED_SECONDS)

    def _cut_if_stalled(self) -> None:
        unread = self.transport.get_write_buffer_size()
        if 0 < self._unread <= unread:
            self.transport.abort()
        elif unread:
            self._watch_reader()

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
        hosts = 0
        for name, value in self.headers:
            hosts += name == b"host"
            if len(value) > _LONGEST_FIELD:
                detail = f"Header {name[:60].decode('latin-1')!r} exceeds {_LONGEST_FIELD} bytes."
                self._invalidate(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):  # RFC 9112, 3.2
            detail = f"A request must have one header Host, and this one has {hosts}."
            self._invalidate(HTTPStatus.BAD_REQUEST, detail)
        if self.parser.get_method() == b"CONNECT":
            detail = "This server is not a proxy: CONNECT is not supported."
            self._invalidate(HTTPStatus.BAD_REQUEST, detail)

    def _invalidate(self, status: HTTPStatus, detail: str) -> NoReturn:
        self._invalid = status, detail
        raise ValueError(detail)

    def _limit_head(self) -> None:
        if not self._head_deadline.is_set:
            self._head_deadline.put_off(self._seconds_for_head)

    def _refuse_late_head(self) -> None:
        detail = f"The head of the request did not arrive within {self._seconds_for_head:g} s."
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, detail)

    @property
    def _seconds_for_head(self) -> float:
        return _SECONDS_FOR_PROBE if self._is_for_probes else _SECONDS_FOR_HEAD

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
        self._watch_reader()

    def _give_up(self) -> None:
        """Close a half-closed connection, unless its answer is being sent."""
        if self._is_answering and not self.cycle.response_started:
            self.transport.close()

    async def _answer_probes(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_probe = scope["path"] in PROBES
        await (self.config.loaded_app if is_probe else _TOO_MANY_CONNECTIONS)(scope, receive, send)
