"""HTTP/1.1 as clients, proxies and attackers speak it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from runtime_core.server import http_protocol
from runtime_core.server.connection_limit import ConnectionLimit
from runtime_core.server.http_protocol import BoundedHttpProtocol
from tests.conftest import DOUBLE, Cli
from tests.patience import SECONDS, wait_until
from tests.server.conftest import GATED, head, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from tests.server.conftest import Gate, Serve, Served

BODY = b'{"inputs": {"x": [4.0]}}'
UPGRADE = {"Connection": "Upgrade, HTTP2-Settings", "HTTP2_Settings": "AAMAAABkAAQAAP__"}


def upgrading(protocol: str, body: bytes = BODY) -> bytes:
    """Return the head of a call that asks for another protocol."""
    return head(Upgrade=protocol, Content_Length=len(body), **UPGRADE)


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0, HTTP/1.1"])
@pytest.mark.parametrize("packets", [1, 2, 3])
def test_upgrade_is_ignored(double: Served, protocol: str, packets: int) -> None:
    """A call that asks for another protocol is answered by its body (RFC 9110, 7.8)."""
    request = upgrading(protocol)
    cut = {1: [], 2: [len(request)], 3: [10, len(request) + 5]}[packets]
    whole = request + BODY
    with double.raw() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in zip([0, *cut], [*cut, len(whole)], strict=True):
            connection.sendall(whole[start:end])
        assert read_answer(connection).json()["y"]["data"]["buffer"] == [8.0]
        connection.sendall(head("/health", "GET"))
        assert read_answer(connection).json() == {"status": "ok"}


@pytest.mark.parametrize("fields", [{}, {"Sec_WebSocket_Key": "x", "Content_Length": "0"}])
def test_half_a_handshake_is_an_ordinary_request(double: Served, fields: dict[str, str]) -> None:
    """A request for a WebSocket without a key, or with a body, is answered and goes on."""
    with double.raw() as connection:
        for _ in range(2):
            asked = head("/health", "GET", Upgrade="websocket", Connection="Upgrade", **fields)
            connection.sendall(asked)
            assert read_answer(connection).json() == {"status": "ok"}


def test_body_after_an_upgrade_is_not_a_request(double: Served) -> None:
    """A request hidden in the body of one with an upgrade is not executed."""
    hidden = head("/health", "GET")
    with double.raw() as connection:
        connection.sendall(upgrading("h2c", hidden))
        connection.sendall(hidden)
        assert read_answer(connection).status == 422
        connection.sendall(head("/livez", "GET", Connection="close"))
        assert read_answer(connection).status == 200
        assert connection.recv(1) == b""


def test_many_upgrades_in_one_packet_are_answered(double: Served) -> None:
    """Pipelined requests with upgrades are answered in order."""
    request = head("/health", "GET", Upgrade="h2c", **UPGRADE)
    with double.raw() as connection:
        connection.sendall(request * 199 + head("/livez", "GET", Connection="close"))
        answers = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 200


def test_curl_may_ask_for_http_2(double: Served) -> None:
    """A call by `curl --http2` is computed."""
    url = f"http://127.0.0.1:{double.port}/apply"
    command = ["curl", "--silent", "--http2", "--json", BODY.decode(), url]
    answered = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
    assert json.loads(answered.stdout)["y"]["data"]["buffer"] == [8.0]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (b"GET /health HTTP/1.1\r\n\r\n", "must have one header Host, and this one has 0"),
        (head("/health", "GET").replace(b"\r\n", b"\r\nHost: a\r\n", 1), "this one has 2"),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT is not supported"),
        (b"nonsense\r\n\r\n", "not valid HTTP/1.1"),
    ],
)
def test_invalid_request_is_400(double: Served, request_: bytes, message: str) -> None:
    """A request that HTTP/1.1 does not allow is refused with the reason."""
    with double.raw() as connection:
        connection.sendall(request_)
        answer = read_answer(connection)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert message in answer.json()["detail"]
        assert connection.recv(1) == b""


def test_long_header_is_431(double: Served) -> None:
    """A header that is longer than any that a client needs is refused."""
    answer = double.get("/health", Accept="a/b;" + "x" * 9000)
    assert answer.status == 431
    assert answer.json() == {"detail": "Header 'accept' exceeds 8192 bytes."}


def test_invalid_bytes_after_pipelined_calls_end_all(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """Every request of a connection learns that it has been closed."""
    served = serve(GATED)
    body = json.dumps({"inputs": gate_inputs}).encode()
    with served.raw() as connection:
        connection.sendall(head(Content_Length=len(body)) + body)
        gate.wait_until_entered()
        connection.sendall(head("/health", "GET") + b"nonsense\r\n\r\n")
        assert connection.recv(1) == b""
    gate.open()
    assert served.end() == 0
    assert "Traceback" not in served.log.wait_for_end()


def test_http_1_0_needs_no_host(double: Served) -> None:
    """A client of HTTP/1.0 is answered without a header `Host`."""
    with double.raw() as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert read_answer(connection).status == 200


def test_half_closed_connection_is_answered(serve: Serve) -> None:
    """A client that closes its side after the request still gets the answer."""
    patience = {"runtime_core.server.http_protocol._SECONDS_HALF_CLOSED": SECONDS}
    with serve(DOUBLE, constants=patience).raw() as connection:
        connection.sendall(head(Content_Length=len(BODY)) + BODY)
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection).status == 200
        assert connection.recv(1) == b""  # whether its end came before the answer or after it


def test_half_a_body_is_dropped_at_its_end(double: Served) -> None:
    """A connection that ends within a body is closed."""
    with double.raw() as connection:
        connection.sendall(head(Content_Length=1000) + b"{")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"\r\n\r\n"])
def test_late_head_is_given_up(serve: Serve, sent: bytes) -> None:
    """A connection whose head does not come is closed with a 408."""
    limit = {"runtime_core.server.http_protocol._SECONDS_FOR_HEAD": 0.5}
    with serve(DOUBLE, constants=limit).raw() as connection:
        connection.sendall(sent)
        answer = read_answer(connection)
        assert answer.status == 408
        assert "did not arrive within 0.5 s" in answer.json()["detail"]
        assert connection.recv(1) == b""


def test_late_second_head_is_given_up(serve: Serve) -> None:
    """Half a head after a whole request is given up too."""
    limit = {"runtime_core.server.http_protocol._SECONDS_FOR_HEAD": 0.5}
    with serve(DOUBLE, constants=limit).raw() as connection:
        connection.sendall(head("/health", "GET"))
        assert read_answer(connection).status == 200
        connection.sendall(b"GET /hea")
        assert read_answer(connection).status == 408


def test_rest_of_a_body_after_its_answer_is_given_up(serve: Serve) -> None:
    """A connection is closed if a body is answered early and its rest does not come."""
    limit = {"runtime_core.server.http_protocol._SECONDS_FOR_HEAD": 0.5}
    with serve(DOUBLE, constants=limit).raw() as connection:
        connection.sendall(head("/health", "POST", Content_Length=100) + b"x")
        assert read_answer(connection).status == 405
        connection.sendall(b"y")
        assert read_answer(connection).status == 408
        assert connection.recv(1) == b""


def test_probes_are_served_beyond_the_most_connections(serve: Serve) -> None:
    """Too many connections leave room for probes; calls are told to try again."""
    served = serve(DOUBLE, options=["--max-connections=3"])
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(served.raw())
            connection.sendall(head("/health", "GET"))
            assert read_answer(connection).status == 200
        refused = served.apply({"x": [1.0]})
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["detail"] == "Too many connections are open. Try again later."
        assert [served.get(path).status for path in ("/health", "/readyz")] == [200, 200]
    wait_until(lambda: served.apply({"x": [1.0]}).status == 200)
    assert "Too many connections: 3 are open." in served.log.text


def test_probes_are_served_among_many_silent_connections(serve: Serve) -> None:
    """Connections that send nothing cannot keep probes out."""
    served = serve(DOUBLE, options=["--max-connections=3"])
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(served.raw())
        for path in ("/health", "/livez", "/readyz"):
            assert served.get(path).status == 200


def test_more_connections_than_files_are_refused(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """A number of connections that the limit of open files does not allow is an error."""
    options = ["-p", "0", "--max-connections", str(1 << 40)]
    ended = cli("--api-path", str(tesseract()), "serve", *options)
    assert ended.returncode == 2
    assert "Raise that limit with `ulimit -n`." in ended.stderr


def test_path_with_a_slash_is_404_with_the_right_one(double: Served) -> None:
    """A path is not redirected to the host that the request names."""
    answer = double.request("POST", "/apply/", BODY)
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found. Did you mean '/apply'?"})


def test_hangup_ends_a_server_as_sigterm_does(serve: Serve) -> None:
    """A server whose terminal is closed ends in order."""
    served = serve(DOUBLE)
    served.process.send_signal(signal.SIGHUP)
    assert served.process.wait(SECONDS) == 0


async def greet(websocket: WebSocket) -> None:
    """Answer on a WebSocket."""
    await websocket.accept()
    await asyncio.sleep(2 * http_protocol._SECONDS_FOR_HEAD)
    await websocket.send_text("hello")
    await websocket.close()


async def greeted(app: ASGIApp) -> str | bytes:
    """Serve an application, and return the first message of its WebSocket."""
    protocol = partial(BoundedHttpProtocol, limit=ConnectionLimit(10))
    config = uvicorn.Config(app, http=protocol, port=0, lifespan="off", log_config=None)  # type: ignore[arg-type]
    service = uvicorn.Server(config)
    address = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(service.serve(sockets=[address]))
    try:
        async with websockets.connect(f"ws://127.0.0.1:{address.getsockname()[1]}/greet") as client:
            return await asyncio.wait_for(client.recv(), SECONDS)
    finally:
        service.should_exit = True
        await serving


def test_websocket_routes_are_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake of a WebSocket is not ignored, and no head is expected after it."""
    monkeypatch.setattr(http_protocol, "_SECONDS_FOR_HEAD", 0.1)
    app = Starlette(routes=[WebSocketRoute("/greet", greet)])
    assert asyncio.run(greeted(app)) == "hello"
