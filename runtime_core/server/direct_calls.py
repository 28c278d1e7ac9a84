"""Calls that need no ASGI, because all layers around them look at heads alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from runtime_core.contracts import AnsweredRequest, Handling, Layer, RequestHead
from runtime_core.server.call_head import CallHead
from runtime_core.server.headers import header_fields, run_id_of_fault
from runtime_core.server.served_call import Answer, ServedCall
from runtime_core.server.server import Server

_UNUSUAL = frozenset({"expect", "transfer-encoding"})
_LONGEST_QUERY = 1 << 13  # bytes; uvicorn refuses some that are longer
_REMEMBERED = 64  # heads, of at most 64 KiB; most clients repeat theirs

Pairs = tuple[tuple[bytes, bytes], ...]


class DirectCalls:
    """Recognizes such calls by their heads; `layers` are all, from the innermost outwards."""

    def __init__(self, server: Server, computing: Iterable[str], layers: Sequence[Layer]) -> None:
        self._server = server
        self._heads = [layer.head for layer in reversed(layers) if layer.head]
        if len(self._heads) < len(layers):
            computing = ()
        self._endpoints = {path.encode(): path[1:] for path in computing}
        self._head = lru_cache(_REMEMBERED)(self._read)

    def find(
        self,
        url: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        transport: asyncio.Transport | None = None,
    ) -> DirectCall | None:
        """Return the call of a `POST` with a body of known size, unless it needs ASGI."""
        head = self._head(url, tuple(headers))
        if head is None:
            return None
        call = DirectCall(self._server, head, transport)
        try:
            call.refusal = self._verdict(head.request)
        # A layer may fail in any way: that is an answer, too.
        except Exception as error:
            call.request.run_id = run_id_of_fault(head.request.query)
            call.refusal = call.fault_answer(error)
        return None if call.refusal is Handling.WRAPPED else call

    def _read(self, url: bytes, headers: Pairs) -> CallHead | None:
        path, _, query = url.partition(b"?")
        endpoint = self._endpoints.get(path)
        if endpoint is None or b"#" in query or len(query) > _LONGEST_QUERY:
            return None
        fields = header_fields(headers)
        if "content-length" not in fields or not _UNUSUAL.isdisjoint(fields):
            return None
        request = RequestHead(method="POST", path=path.decode(), query=query, fields=fields)
        return CallHead(self._server, endpoint, request)

    def _verdict(self, request: RequestHead) -> Any:
        """Return the verdict of the first layer from outside that does not let a request pass."""
        request.caller = None  # as before the first layer
        for look in self._heads:
            verdict = look(request)
            if verdict is not None:
                return verdict
        return None


class DirectCall(ServedCall):
    """One such call, in the place of uvicorn's cycle of a request and its response."""

    def __init__(self, server: Server, head: CallHead, transport: asyncio.Transport | None) -> None:
        path = head.request.path
        request = AnsweredRequest(
            method="POST", path=path, endpoint=head.endpoint, timestamp=time.time()
        )
        super().__init__(server, head, transport, request, self._take)
        self.refusal: Any = None
        self.keep_alive = self.more_body = True
        self.response_started = self.response_complete = False
        self._send: Callable[[DirectCall, Answer], None] | None = None
        self._start = time.perf_counter()

    def start(self, send: Callable[[DirectCall, Answer], None]) -> None:
        """Begin the call; its answer is given to `send`, maybe at once."""
        self._send = send
        if self.refusal is None:
            self.begin()
        else:
            self.finish(self.refusal)

    def end(self) -> None:
        """Release the memory of the call, whose answer has been sent or lost its client."""
        self.close()
        self._send = None
        self.request.bytes_in = self.size
        self.request.seconds = time.perf_counter() - self._start
        self._server.observers.add(self.request)

    def _take(self, answer: Answer) -> None:
        assert self._send is not None  # the call has begun
        self.request.status = answer.status_code
        self.response_started = True
        self._send(self, answer)
