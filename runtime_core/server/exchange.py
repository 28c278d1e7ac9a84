"""One request over ASGI and its answer, counted while they are forwarded."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime_core.contracts import AnsweredRequest
from runtime_core.server.headers import CALLER
from runtime_core.server.observers import Observers
from runtime_core.server.responses import RUN_ID_HEADER

REQUEST = "tesseract_runtime.request"
"""The key of the ASGI scope that holds the `AnsweredRequest` of the request."""


def observed(app: ASGIApp, computing: Collection[str], observers: Observers) -> ASGIApp:
    """Show the requests of an application, some of whose paths are calls, to observers."""

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        if scope.get("method") == "POST" and scope["path"] in computing:
            exchange.request.endpoint = scope["path"][1:]
        try:
            await app(scope, exchange.receive, exchange.send)
        finally:
            observers.add(exchange.ended())

    return observe


class Exchange:
    """A request that is being answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method", "WEBSOCKET")
        self.request = AnsweredRequest(method=method, path=scope["path"], timestamp=time.time())
        scope[REQUEST] = self.request
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start = time.perf_counter()
        self._headers: Sequence[tuple[bytes, bytes]] = ()

    async def receive(self) -> Message:
        """Receive a message and count its bytes."""
        message = await self._receive()
        self.request.bytes_in += _size(message)
        return message

    async def send(self, message: Message) -> None:
        """Send a message and count its bytes."""
        status = message.get("status", _STATUS_OF_HANDSHAKES.get(message["type"]))
        if self.request.status is None and status is not None:
            self.request.status, self._headers = status, message.get("headers", ())
        self.request.bytes_out += _size(message)
        await self._send(message)

    def ended(self) -> AnsweredRequest:
        """Stop the clock and return the request."""
        request = self.request
        request.seconds = time.perf_counter() - self._start
        request.caller = self._scope.get(CALLER)
        request.run_id = request.run_id or Headers(raw=[*self._headers]).get(RUN_ID_HEADER)
        return request


_STATUS_OF_HANDSHAKES = MappingProxyType({"websocket.accept": 101, "websocket.close": 403})


def _size(message: Message) -> int:
    """Return the size of a piece of a body, or of a WebSocket message in bytes or characters."""
    return len(message.get("body") or message.get("bytes") or message.get("text") or b"")
