"""The routes of the endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.calls.faults import fault_of
from runtime_core.contracts import EndpointDescription, Fault
from runtime_core.documents.wire import media_type_of
from runtime_core.errors import FaultKind, TesseractRuntimeError
from runtime_core.server.call_head import CallHead
from runtime_core.server.exchange import REQUEST
from runtime_core.server.headers import TRANSPORT, head_of, header_fields
from runtime_core.server.responses import DocumentResponse
from runtime_core.server.served_call import Answer, ServedCall
from runtime_core.server.server import Server
from runtime_core.workers.process_exit import settle


def endpoint_routes(server: Server) -> Iterator[Route]:
    """Yield the routes of the endpoints; those that are unavailable answer with the reason."""
    for endpoint in server.description.endpoints:
        path = f"/{endpoint.name}"
        if endpoint.has_payload:
            yield Route(path, ComputingRoute(server, endpoint.name), methods=["POST", "OPTIONS"])
        else:
            yield Route(path, _static_answer(server, endpoint), methods=["GET", "OPTIONS"])
    for name, reason in server.description.unavailable.items():
        message = f"Endpoint {name!r} is not available: {reason}"
        fault = Fault(kind=FaultKind.UNKNOWN_NAME, message=message)
        answer = server.fault_response(fault)
        yield Route(f"/{name}", answer, methods=["GET", "POST"])


class ComputingRoute:
    """`POST /name` over ASGI: a document in, a document out."""

    def __init__(self, server: Server, endpoint: str) -> None:
        self._server = server
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, unless its client goes; release the memory once it is sent."""
        if scope["method"] == "OPTIONS":
            await _ALLOW_POST(scope, receive, send)
            return
        answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        head = CallHead(self._server, self._endpoint, head_of(scope))
        transport = scope.get(TRANSPORT)  # another server does not show it
        call = ServedCall(self._server, head, transport, scope[REQUEST], partial(settle, answered))
        call.begin()
        reading = asyncio.create_task(_read(call, receive, answered))
        try:
            response = await answered
            await (reading if response is None else response(scope, receive, send))
        finally:
            reading.cancel()
            call.close()


async def _read(
    call: ServedCall, receive: Receive, answered: asyncio.Future[Answer | None]
) -> None:
    """Read the body of a call that needs one, and then wait for its client to go."""
    if answered.done():
        return  # a client that waits to be told to continue must not be
    call.wait()
    try:
        while (message := await receive())["type"] != "http.disconnect":
            call.add(message.get("body", b""))
            if not message.get("more_body", False):
                call.complete()
    finally:
        settle(answered, None)


def _static_answer(
    server: Server, endpoint: EndpointDescription
) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Return a handler of `GET /name`, whose answer is known at the start."""

    async def answer(request: Request) -> ASGIApp:
        if request.method == "OPTIONS":
            return _ALLOW_GET
        accept = header_fields(request.headers.raw).get("accept", "")
        try:
            wire = server.negotiation.output(accept)
            codec = server.negotiation.codecs.format(wire.format, wire.parameters)
            media_type = media_type_of(wire, server.catalog)
            return DocumentResponse(codec.dumps(endpoint.answer), media_type)
        except TesseractRuntimeError as error:
            return server.fault_response(fault_of(error))

    return answer


_ALLOW_POST = Response(status_code=204, headers={"Allow": "OPTIONS, POST"})
_ALLOW_GET = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
