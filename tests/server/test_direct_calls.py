"""Calls that are answered without ASGI, as those over ASGI are."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse, StreamingResponse

from runtime_core import Runtime
from runtime_core.config import resolve
from runtime_core.contracts import (
    Handling,
    Layer,
    Place,
    RequestHead,
    ServerParts,
)
from runtime_core.server.application import build_application, extension_parts
from runtime_core.server.connection_limit import ConnectionLimit
from runtime_core.server.direct_calls import DirectCall, DirectCalls
from runtime_core.server.http_protocol import BoundedHttpProtocol
from runtime_core.server.responses import RUN_ID_HEADER
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from tests.conftest import DOUBLE
from tests.patience import until
from tests.server.conftest import GATED, head, read_answer
from tests.server.test_extensions import extended
from tests.workers.conftest import both_loops, in_process, run

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.server.conftest import Answer, Gate, Serve, Served

BODY = b'{"inputs": {"x": [4.0]}}'
HOST = (b"host", b"localhost")
LENGTH = (b"content-length", b"24")
RUN_ID = RUN_ID_HEADER.lower()

Pairs = Sequence[tuple[bytes, bytes]]

REQUESTS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a result": ("/apply?run_id=a", BODY, {}),
    "another format": ("/apply?run_id=a", BODY, {"Accept": "application/json+base64"}),
    "an invalid payload": ("/apply?run_id=a", b'{"inputs": {}}', {}),
    "no JSON": ("/apply?run_id=a", b"{", {}),
    "an empty body": ("/apply?run_id=a", b"", {}),
    "an unknown format": ("/apply?run_id=a", BODY, {"Content-Type": "text/plain"}),
    "an unknown answer": ("/apply?run_id=a", BODY, {"Accept": "image/png"}),
    "a coding": ("/apply?run_id=a", BODY, {"Content-Encoding": "gzip"}),
    "an invalid time": ("/apply?run_id=a", BODY, {"Request-Timeout": "soon"}),
    "an invalid parent": ("/apply?run_id=a", BODY, {"Tesseract-Parent-Run-Id": ".."}),
    "an invalid run id": ("/apply?run_id=..", BODY, {}),
    "a large body": ("/apply?run_id=a", b" " * 2000, {}),
    "an unknown host": ("/apply?run_id=a", BODY, {"Host": "evil.example"}),
    "another site": ("/apply?run_id=a", BODY, {"Sec-Fetch-Site": "cross-site"}),
    "the end of the connection": ("/apply?run_id=a", BODY, {"Connection": "close"}),
}


def answered(served: Served, path: str, framing: dict[str, str], body: bytes) -> Answer:
    """Return the answer to a request with given header fields."""
    fields = {name.replace("-", "_"): value for name, value in framing.items()}
    with served.raw() as connection:
        connection.sendall(head(path, **fields) + body)
        return read_answer(connection)


@pytest.mark.parametrize(("path", "body", "fields"), REQUESTS.values(), ids=REQUESTS)
def test_both_ways_answer_alike(
    shared: Callable[..., Served], path: str, body: bytes, fields: dict[str, str]
) -> None:
    """A body in chunks, which goes over ASGI, gets the answer of one with a length."""
    served = shared("--max-body-size=1000")
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    direct = answered(served, path, {**fields, "Content-Length": str(len(body))}, body)
    over_asgi = answered(served, path, {**fields, "Transfer-Encoding": "chunked"}, chunks)
    assert (direct.status, direct.body) == (over_asgi.status, over_asgi.body)
    assert comparable(direct) == comparable(over_asgi)


def comparable(answer: Answer) -> dict[str, str]:
    """Return the header fields that do not tell the time."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name not in ("date", "server-timing")
    }


def test_both_ways_are_logged_alike(serve: Serve) -> None:
    """The line of the access log does not depend on the way."""
    served = serve(DOUBLE)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    answered(served, "/apply", {"Content-Length": str(len(BODY))}, BODY)
    answered(served, "/apply", {"Transfer-Encoding": "chunked"}, chunks)
    line = rf"\S+ POST /apply 200 run_id=\S+ bytes_in={len(BODY)} bytes_out=\d+ milliseconds=\S+ "
    timings = r"receive=\S+ queue=\S+ decode=\S+ compute=\S+ encode=\S+ send=\S+\n"
    served.log.wait_for(f"({line}{timings}){{2}}")


def found(
    runtime: Runtime,
    url: bytes = b"/apply",
    headers: Pairs = (HOST, LENGTH),
    *,
    layers: Sequence[Layer] = (),
    options: ServeOptions | None = None,
) -> DirectCall | None:
    """Return the direct call of a request, if it is one."""
    return asyncio.run(_found(runtime, url, headers, layers, options or ServeOptions()))


async def _found(
    runtime: Runtime, url: bytes, headers: Pairs, layers: Sequence[Layer], options: ServeOptions
) -> DirectCall | None:
    catalog = extended(runtime.catalog, more=ServerParts(layers=layers))
    config = resolve(catalog, flags={"api_path": runtime.config.api_path}, environment={})
    async with in_process(runtime) as workers:
        server = Server(catalog=catalog, config=config, options=options, workers=workers)
        application = build_application(server, extension_parts(server))
        return application.direct_calls.find(url, headers)


@pytest.mark.parametrize(
    ("url", "more", "is_direct"),
    [
        (b"/apply", [], True),
        (b"/apply?run_id=a", [(b"accept", b"image/png")], True),
        (b"/apply?" + 10_000 * b"a", [], False),
        (b"/apply#part", [], False),
        (b"/apply?a=b#part", [], False),
        (b"/apply/", [], False),
        (b"/%61pply", [], False),
        (b"http://localhost/apply", [], False),
        (b"/health", [], False),
        (b"/apply", [(b"expect", b"100-continue")], False),
        (b"/apply", [(b"transfer-encoding", b"chunked")], False),
    ],
)
def test_calls_are_recognized_by_their_heads(
    runtime: Callable[..., Runtime], url: bytes, more: Pairs, is_direct: bool
) -> None:
    """Only plain calls of endpoints that compute are direct."""
    assert (found(runtime(), url, [HOST, LENGTH, *more]) is not None) == is_direct
    assert found(runtime(), url, [HOST, *more]) is None


@pytest.mark.parametrize(("origin", "is_direct"), [([], True), ([(b"origin", b"http://a")], False)])
def test_calls_of_web_pages_are_left_to_the_layer(
    runtime: Callable[..., Runtime], origin: Pairs, is_direct: bool
) -> None:
    """Where pages of other origins may call, their requests need the layer around the routes."""
    options = ServeOptions(cors_origin=("http://a",))
    call = found(runtime(), headers=[HOST, LENGTH, *origin], options=options)
    assert (call is not None) == is_direct


def wrap(app: Any) -> Any:
    """Change nothing."""
    return app


def test_layer_without_a_head_function_needs_asgi(runtime: Callable[..., Runtime]) -> None:
    """No call is direct if one layer declares nothing but `wrap`."""
    assert found(runtime(), layers=[Layer(place=Place.REQUEST, wrap=wrap)]) is None


def test_layer_may_ask_for_its_wrap(runtime: Callable[..., Runtime]) -> None:
    """A head function decides for each request."""

    def look(request: RequestHead) -> Handling | None:
        return Handling.WRAPPED if "x-special" in request.fields else None

    layers = [Layer(place=Place.REQUEST, wrap=wrap, head=look)]
    assert found(runtime(), layers=layers) is not None
    assert found(runtime(), headers=[HOST, LENGTH, (b"x-special", b"1")], layers=layers) is None


def test_inner_layers_see_nothing_of_a_refusal(runtime: Callable[..., Runtime]) -> None:
    """The first layer from outside that refuses answers."""
    seen: list[str] = []

    def layer(place: Place, answer: PlainTextResponse | None) -> Layer:
        def look(request: RequestHead) -> PlainTextResponse | None:
            seen.append(place)
            return answer

        return Layer(place=place, wrap=wrap, head=look)

    refusing = [
        layer(Place.REQUEST, PlainTextResponse("inner")),
        layer(Place.IDENTITY, PlainTextResponse("outer", status_code=403)),
        layer(Place.EDGE, None),
    ]
    call = found(runtime(), layers=refusing)
    assert call is not None
    assert (seen, call.refusal.status_code) == (["edge", "identity"], 403)


@pytest.mark.parametrize(
    "answer", [None, 7, StreamingResponse(iter([b"no"]))], ids=["raises", "wrong type", "no body"]
)
def test_head_function_that_fails_is_an_answer(
    runtime: Callable[..., Runtime], answer: object
) -> None:
    """A fault of a plugin's layer is a 500 that names the plugin."""

    def look(request: RequestHead) -> object:
        if answer is None:
            raise ZeroDivisionError
        return answer

    call = found(runtime(), layers=[Layer(place=Place.REQUEST, wrap=wrap, head=look)])
    assert call is not None
    assert call.refusal.status_code == 500
    assert "more" in json.loads(call.refusal.body)["detail"]


def test_answers_come_in_the_order_of_the_requests(serve: Serve, gate: Gate) -> None:
    """Requests of both ways on one connection are answered one after another."""
    served = serve(GATED)
    body = json.dumps(
        {"inputs": {"entered": str(gate.entered), "release": str(gate.release)}}
    ).encode()
    call = head(Content_Length=len(body)) + body
    with served.raw() as connection:
        connection.sendall(call + head("/health", "GET") + head(Content_Length=1) + b"{")
        gate.wait_until_entered()
        gate.open()
        answers = [read_answer(connection) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 422]
    assert re.fullmatch("[0-9a-f-]{36}", answers[0].headers[RUN_ID])


_LONG = 300_000  # bytes, more than sockets take at once


async def _long(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("a" * _LONG)(scope, receive, send)


def _refuse(request: RequestHead) -> PlainTextResponse | None:
    return PlainTextResponse("no", status_code=403) if "x-refused" in request.fields else None


@asynccontextmanager
async def connected(
    runtime: Runtime,
) -> AsyncIterator[tuple[socket.socket, BoundedHttpProtocol]]:
    """Connect a client to a server in this process, by sockets with small buffers."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ours.setblocking(False)
    async with in_process(runtime) as workers:
        catalog, config, options = runtime.catalog, runtime.config, ServeOptions()
        server = Server(catalog=catalog, config=config, options=options, workers=workers)
        calls = DirectCalls(server, ["/apply"], [Layer(place=Place.EDGE, wrap=wrap, head=_refuse)])
        protocol = BoundedHttpProtocol(
            uvicorn.Config(_long, lifespan="off", log_config=None),
            uvicorn.server.ServerState(),
            {},
            limit=ConnectionLimit(1),
            direct_calls=calls,
        )
        with ours:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, theirs)
            yield ours, protocol


async def _read_late(runtime: Runtime, pieces: Sequence[bytes]) -> bytes:
    """Return the answers to a request over ASGI and a direct one.

    The last piece is sent when the first answer has been read.
    """
    loop = asyncio.get_running_loop()
    async with connected(runtime) as (ours, protocol):
        await loop.sock_sendall(ours, head("/", "GET"))
        await until(lambda: protocol.server_state.total_requests)
        assert protocol.flow.write_paused
        for piece in pieces[:-1]:
            await loop.sock_sendall(ours, piece)
        answers = bytearray()
        while len(answers) < _LONG:
            answers += await loop.sock_recv(ours, 1 << 16)
        await loop.sock_sendall(ours, pieces[-1])
        ours.shutdown(socket.SHUT_WR)
        while piece := await loop.sock_recv(ours, 1 << 16):
            answers += piece
        return bytes(answers)


@both_loops
@pytest.mark.parametrize("fields", [{}, {"X-Refused": "1"}], ids=["computed", "refused"])
def test_call_behind_an_answer_that_is_not_read_yet(
    runtime: Callable[..., Runtime], loop: str, fields: dict[str, str]
) -> None:
    """A direct call is answered once, even if an answer before it is still being read."""
    call = head(Content_Length=len(BODY), **fields)
    answers = run(loop, _read_late(runtime(), [call, BODY[:1], BODY[1:5], BODY[5:]]))
    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.endswith(b"no" if fields else b'[8.0],"encoding":"json"}}}')


@both_loops
def test_connection_ends_once_after_a_long_answer(
    runtime: Callable[..., Runtime], loop: str
) -> None:
    """The last piece of an answer, which the client has waited for, closes the connection."""
    body = json.dumps({"inputs": {"x": [0.5] * 100_000}}).encode()

    async def answer() -> tuple[bytes, list[object]]:
        errors: list[object] = []
        event_loop = asyncio.get_running_loop()
        event_loop.set_exception_handler(lambda _, context: errors.append(context))
        async with connected(runtime()) as (ours, _):
            request = head(Content_Length=len(body), Connection="close") + body
            await event_loop.sock_sendall(ours, request)
            received = bytearray()
            while piece := await event_loop.sock_recv(ours, 1 << 16):
                received += piece
            await asyncio.sleep(0)
        return bytes(received), errors

    received, errors = run(loop, answer())
    assert received.endswith(b'1.0],"encoding":"json"}}}')
    assert errors == []


@both_loops
def test_client_that_has_gone_is_sent_no_more(
    runtime: Callable[..., Runtime], loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of an answer is dropped, without a warning for each piece."""
    body = json.dumps({"inputs": {"x": [0.123456789] * 300_000}}).encode()

    async def go() -> None:
        async with connected(runtime()) as (ours, protocol):
            event_loop = asyncio.get_running_loop()
            await event_loop.sock_sendall(ours, head(Content_Length=len(body)) + body)
            ours.close()
            await until(lambda: protocol not in protocol.connections)

    run(loop, go())
    assert caplog.messages == []
