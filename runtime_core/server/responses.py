"""HTTP responses: documents in slices, faults as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from runtime_core.calls.faults import fault_detail
from runtime_core.catalog import Catalog
from runtime_core.contracts import Buffer, Fault, Reply
from runtime_core.errors import FaultKind
from runtime_core.server.local_paths import without_local_paths

RUN_ID_HEADER = "Tesseract-Run-Id"
PARENT_RUN_ID_HEADER = "Tesseract-Parent-Run-Id"
FORWARD_HEADER = "Tesseract-Forward"
"""The handle of a forward solve that a worker has kept, on answers and on calls that need it."""

TIMING_HEADER = "Server-Timing"
"""Milliseconds of each stage of a call (W3C Server Timing)."""

RETRY_AFTER = MappingProxyType({"Retry-After": "1"})

SLICE = 256 * 1024
"""The most bytes of an answer that are handed to a transport at once."""


class DocumentResponse:
    """A document, sent in slices; its memory is reused after the call."""

    status_code = 200

    def __init__(
        self, body: Sequence[Buffer], media_type: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self._pieces = body
        self.size = sum([memoryview(piece).nbytes for piece in body])
        self.raw_headers = [
            *headers,
            (b"content-type", media_type.encode("latin-1")),
            (b"content-length", b"%d" % self.size),
        ]

    @property
    def body(self) -> bytes:
        """The whole document."""
        return b"".join(self._pieces)

    def slices(self, *, copied: bool = True) -> Iterator[Buffer]:
        """Yield the document in slices, small pieces in one.

        What is not `copied` is the memory itself, which must not change before it is sent.
        """
        if self.size <= SLICE:
            yield self.body
            return
        for piece in (memoryview(buffer).cast("B") for buffer in self._pieces):
            for start in range(0, piece.nbytes, SLICE):
                part = piece[start : start + SLICE]
                yield bytes(part) if copied else part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document; return when the transport has taken the last byte."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        sent = 0
        for piece in self.slices():
            sent += len(piece)
            # uvicorn's `send` returns when the connection has been cut.
            more = sent < self.size
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def timing(seconds: Mapping[str, float]) -> str:
    """Return the seconds of the stages of a call as the header `Server-Timing`.

    >>> timing({"queue": 0.0001, "compute": 2.5})
    'queue;dur=0.1, compute;dur=2500'
    """
    return ", ".join([f"{stage};dur={1000 * value:.4g}" for stage, value in seconds.items()])


def milliseconds(seconds: float) -> float:
    """Return the milliseconds of a stage, rounded as in the header.

    >>> milliseconds(0.0123456)
    12.35
    """
    return float(f"{1000 * seconds:.4g}")


class JsonResponse(Response):
    """Sends a JSON-like tree; NaN and infinities are strings."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the tree as JSON."""
        return to_json(content, inf_nan_mode="strings")


def reply_response(reply: Reply, media_type: str) -> DocumentResponse:
    """Return the result of a call as a response."""
    return DocumentResponse(reply.body, media_type, _headers(reply))


def unchanged_response(reply: Reply) -> Response:
    """Return the answer to a client who has the result of a call already."""
    response = Response(status_code=304)
    response.raw_headers = _headers(reply)
    return response


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    times = timing(reply.timings)
    if reply.forward:
        times += f', forward;desc="{reply.forward}"'
    headers = [(_RUN_ID, reply.run_id.encode()), (_TIMING, times.encode())]
    if reply.forward_handle:
        headers.append((_FORWARD, reply.forward_handle.encode()))
    if reply.headers:
        headers += [(name.lower().encode(), text.encode()) for name, text in reply.headers.items()]
    return headers


_FORWARD, _RUN_ID, _TIMING = (
    header.lower().encode() for header in (FORWARD_HEADER, RUN_ID_HEADER, TIMING_HEADER)
)


_NOT_BEGUN = frozenset({FaultKind.QUEUE_FULL, FaultKind.SHUTTING_DOWN})
"""The faults after which a client may send the same call again."""


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
    if fault.kind.status >= 500:
        body |= {"run_id": run_id}
        if debug and fault.trace:
            body |= {"traceback": fault.trace}
    headers = {RUN_ID_HEADER: run_id} if run_id is not None else {}
    if fault.kind in _NOT_BEGUN:
        headers |= RETRY_AFTER
    return JsonResponse(body, status_code=fault.kind.status, headers=headers)
