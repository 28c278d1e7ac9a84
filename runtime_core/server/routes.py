"""The routes of the endpoints."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core import documents
from runtime_core.calls.faults import fault_of
from runtime_core.contracts import Buffer, Call, EndpointDescription, Fault, Reply
from runtime_core.errors import FaultKind, InvalidOption, QueueFull, TesseractRuntimeError
from runtime_core.run_logs.run import checked_run_id, new_run_id, run_name
from runtime_core.server.disconnect import cancelled_on_disconnect
from runtime_core.server.headers import header_fields, invalid_request, named_run_id
from runtime_core.server.negotiation import UnsupportedMediaType
from runtime_core.server.request_body import announced_size
from runtime_core.server.responses import (
    PARENT_RUN_ID_HEADER,
    RUN_ID_HEADER,
    TIMING_HEADER,
    DocumentResponse,
    fault_response,
    timing,
)
from runtime_core.server.server import Server
from runtime_core.workers import BodyBuffer
from runtime_core.workers.shared_memory import SharedBuffer


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
        answer = fault_response(fault, catalog=server.catalog)
        yield Route(f"/{name}", answer, methods=["GET", "POST"])


class ComputingRoute:
    """`POST /name`: a document in, a document out."""

    def __init__(self, server: Server, endpoint: str) -> None:
        self._server = server
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the memory of the reply is released once it is sent."""
        if scope["method"] == "OPTIONS":
            await _ALLOW_POST(scope, receive, send)
            return
        run_id = None
        try:
            run_id = _run_id(scope)
            admission = self._server.admission
            admission.refuse_if_full()
            fields = header_fields(scope)
            with ExitStack() as admitted:
                segment = admitted.enter_context(self._server.segments.lent(fields, scope))
                reserve = admitted.enter_context(admission.body(besides=segment.size))
                admit = partial(admitted.enter_context, admission.slot())
                read = partial(self._server.bodies.read, receive, reserve=reserve, admit=admit)
                call = await self._call(scope, fields, read, run_id)
                if segment.descriptor is not None:
                    call = replace(call, segment=SharedBuffer(os.dup(segment.descriptor)))
                async with cancelled_on_disconnect(receive), self._server.call(call) as reply:
                    admitted.close()  # it is computed: a slow reader takes no place in the queue
                    await self._response(reply)(scope, receive, send)
        except (TesseractRuntimeError, OSError) as error:
            fault = fault_of(_expected(error))
            refusal = fault_response(fault, catalog=self._server.catalog, run_id=run_id)
            await refusal(scope, receive, send)
        except ClientDisconnect:
            pass  # the client has gone

    async def _call(
        self,
        scope: Scope,
        fields: Mapping[str, str],
        read: Callable[[BodyBuffer], Awaitable[Buffer]],
        run_id: str,
    ) -> Call:
        server = self._server
        _refuse_content_encoding(fields)
        body_format = server.negotiation.input_format(fields.get("content-type", ""))
        output = server.negotiation.output(fields.get("accept", ""))
        size = announced_size(fields, server.options.max_body_size)
        return Call(
            endpoint=self._endpoint,
            run_id=run_id,
            new_run=named_run_id(scope) is None,
            parent_run_id=_parent_run_id(fields),
            timeout=_timeout(fields),
            body=await read(server.workers.arriving(size)),
            body_format=body_format.name,
            output=output,
            output_path=server.config.output_path,
            output_folder=run_name(run_id),
        )

    def _response(self, reply: Reply) -> ASGIApp:
        catalog = self._server.catalog
        if reply.fault is not None:
            debug = self._server.config.debug
            if reply.fault.kind is FaultKind.PLUGIN_FAILED:
                self._server.report(reply.fault.message)
            return fault_response(reply.fault, catalog=catalog, run_id=reply.run_id, debug=debug)
        headers = {RUN_ID_HEADER: reply.run_id, TIMING_HEADER: timing(reply.timings)}
        return DocumentResponse(reply.body, catalog.formats.find(reply.format), headers)


def _static_answer(
    server: Server, endpoint: EndpointDescription
) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Return a handler of `GET /name`, whose answer is known at the start."""

    async def answer(request: Request) -> ASGIApp:
        if request.method == "OPTIONS":
            return _ALLOW_GET
        accept = header_fields(request.scope).get("accept", "")
        try:
            format_ = server.catalog.formats.find(server.negotiation.output(accept).format)
            return DocumentResponse(documents.write(endpoint.answer, format_), format_)
        except TesseractRuntimeError as error:
            return fault_response(fault_of(error), catalog=server.catalog)

    return answer


_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?([eE][+-]?[0-9]{1,2})?")
_ALLOW_POST = Response(status_code=204, headers={"Allow": "OPTIONS, POST"})
_ALLOW_GET = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})


def _expected(error: TesseractRuntimeError | OSError) -> TesseractRuntimeError:
    """Return the error of a call that finds too many files open; raise any other `OSError`."""
    if isinstance(error, TesseractRuntimeError):
        return error
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return QueueFull("The server has too many files open. Try again later.")
    raise error


def _refuse_content_encoding(fields: Mapping[str, str]) -> None:
    coding = fields.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaType(
            f"Content-Encoding {coding[:100]!r} is not supported: send the body as it is, its "
            "arrays may be compressed."
        )


def _timeout(fields: Mapping[str, str]) -> float | None:
    """Return the time limit of the client in seconds, if it sends one."""
    text = fields.get("request-timeout")
    if text is None:
        return None
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    if seconds <= 0:
        problem = f"Request-Timeout {text[:60]!r} must be a positive number of seconds."
        raise invalid_request("header", "request-timeout", problem)
    return seconds


def _parent_run_id(fields: Mapping[str, str]) -> str | None:
    """Return the id of the parent run, if the client sends one."""
    name = PARENT_RUN_ID_HEADER.lower()
    given = fields.get(name)
    return None if given is None else _checked(given, "header", name)


def _run_id(scope: Scope) -> str:
    given = named_run_id(scope)
    return new_run_id() if given is None else _checked(given, "query", "run_id")


def _checked(run_id: str, place: str, name: str) -> str:
    try:
        return checked_run_id(run_id)
    except InvalidOption as error:
        raise invalid_request(place, name, str(error)) from None
