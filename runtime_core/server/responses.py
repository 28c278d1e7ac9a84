"""HTTP responses: documents in slices, faults as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from runtime_core.calls.faults import fault_detail
from runtime_core.catalog import Catalog
from runtime_core.contracts import Buffer, Fault, Format
from runtime_core.errors import FaultKind
from runtime_core.server.local_paths import without_local_paths

TRANSPORT = "tesseract_runtime.transport"
"""The key of the ASGI scope that holds the `asyncio.Transport` of the connection."""

RUN_ID_HEADER = "Tesseract-Run-Id"
PARENT_RUN_ID_HEADER = "Tesseract-Parent-Run-Id"
TIMING_HEADER = "Server-Timing"
"""Milliseconds of each stage of a call (W3C Server Timing)."""

RETRY_AFTER = MappingProxyType({"Retry-After": "1"})
_STALLED_SECONDS = 60.0  # a client that takes no byte in this time is disconnected
_SLICE = 256 * 1024  # bytes copied into the transport at once


class DocumentResponse:
    """Sends a document in slices; each is copied, because its memory is reused after the call."""

    def __init__(
        self,
        body: Sequence[Buffer],
        format_: Format,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._pieces = [memoryview(buffer).cast("B") for buffer in body]
        self._size = sum(piece.nbytes for piece in self._pieces)
        content = {"content-type": format_.media_types[0], "content-length": str(self._size)}
        fields = {**headers, **content}
        self._head = [(name.lower().encode(), value.encode()) for name, value in fields.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document; return when the transport has taken the last byte."""
        await send({"type": "http.response.start", "status": 200, "headers": self._head})
        sent = 0
        with StallGuard(scope.get(TRANSPORT)) as guard:  # another server does not show it
            for piece in _slices(self._pieces) if self._size else [b""]:
                sent += len(piece)
                more = sent < self._size
                guard.hand(len(piece))
                # uvicorn's `send` returns when the connection has been cut.
                await send({"type": "http.response.body", "body": piece, "more_body": more})


class StallGuard:
    """Cuts a connection from which no byte leaves for too long, inside the `with`."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport
        self._handed = self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        if self._transport is not None:
            self._watch()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def hand(self, size: int) -> None:
        """Count bytes that are handed to the transport next."""
        self._handed += size

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_STALLED_SECONDS, self._check)

    def _check(self) -> None:
        assert self._transport is not None  # it is watched
        left = self._handed - self._transport.get_write_buffer_size()
        if left <= self._left:
            self._transport.abort()
        else:
            self._left = left
            self._watch()


def timing(seconds: Mapping[str, float]) -> str:
    """Return the seconds of the stages of a call as the header `Server-Timing`.

    >>> timing({"queue": 0.0001, "compute": 2.5})
    'queue;dur=0.1, compute;dur=2500'
    """
    return ", ".join(f"{stage};dur={1000 * value:.4g}" for stage, value in seconds.items())


class JsonResponse(Response):
    """Sends a JSON-like tree; NaN and infinities are strings."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the tree as JSON."""
        return to_json(content, inf_nan_mode="strings")


def fault_response(
    fault: Fault, *, catalog: Catalog, run_id: str | None = None, debug: bool = False
) -> Response:
    """Return a fault as a response, with a body in the form of FastAPI.

    Its texts have no local paths unless the server is in debug mode.
    """
    body = {"detail": fault_detail(fault if debug else without_local_paths(fault))}
    if fault.kind is FaultKind.NOT_ACCEPTABLE:
        body["detail"] = {
            "message": fault.message,
            "available_formats": list(catalog.formats.names),
            "available_compressions": ["none", *catalog.compressors.names],
            "available_gpu_transports": ["none"],
        }
    if fault.outcome.status >= 500:
        body |= {"run_id": run_id}
        if debug and fault.trace:
            body |= {"traceback": fault.trace}
    headers = {RUN_ID_HEADER: run_id} if run_id is not None else {}
    if fault.kind in (FaultKind.QUEUE_FULL, FaultKind.SHUTTING_DOWN):
        headers |= RETRY_AFTER
    return JsonResponse(body, status_code=fault.outcome.status, headers=headers)


def _slices(pieces: Sequence[memoryview]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, piece.nbytes, _SLICE):
            yield bytes(piece[start : start + _SLICE])
