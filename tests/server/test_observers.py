"""Observers of requests, beside a server in this process."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from runtime_core import Runtime
from runtime_core.contracts import AnsweredRequest, ServerContext, ServerExtension, ServerParts
from runtime_core.errors import QueueFull
from runtime_core.server.application import Application
from runtime_core.server.connection_limit import ConnectionLimit
from runtime_core.server.http_protocol import BoundedHttpProtocol
from runtime_core.server.serve_options import ServeOptions
from tests.patience import SECONDS, until
from tests.server.conftest import GATED, Client
from tests.server.test_extensions import CALL, serving
from tests.workers.conftest import call_of

if TYPE_CHECKING:
    from tests.server.conftest import Gate

KEY = {"Authorization": "Bearer sesame"}

REQUESTS: Sequence[tuple[bytes, dict[str, str], tuple[int, str | None, set[str]]]] = [
    (CALL, {}, (200, None, {"receive", "decode", "compute", "encode", "send"})),
    (b"{", {}, (422, "unreadable_document", {"receive", "decode", "send"})),
    (b" " * 2000, {}, (413, "body_too_large", set())),
    (CALL, {"Content-Type": "text/plain"}, (415, "unsupported_media_type", set())),
    (CALL, {"Accept": "image/png"}, (406, "not_acceptable", set())),
    (CALL, {"Authorization": "Bearer x"}, (401, None, set())),
]
"""Bodies and headers of calls, with the status, the fault and the stages that observers see."""


@asynccontextmanager
async def listening(
    runtime: Runtime, options: ServeOptions, **parts: ServerParts | ServerExtension
) -> AsyncIterator[Client]:
    """Serve with extensions at a port of this machine."""
    async with serving(runtime, options, **parts) as application:
        assert isinstance(application, Application)
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        state, limit = uvicorn.server.ServerState(), ConnectionLimit(10)
        listener = await asyncio.get_running_loop().create_server(
            lambda: BoundedHttpProtocol(
                config, state, {}, limit=limit, direct_calls=application.direct_calls
            ),
            "127.0.0.1",
        )
        async with listener:
            yield Client(port=listener.sockets[0].getsockname()[1])
        await until(lambda: not state.connections)


def seen_by(
    runtime: Runtime,
    options: ServeOptions,
    use: Callable[[Client], Awaitable[Any]],
    **parts: ServerParts | ServerExtension,
) -> list[AnsweredRequest]:
    """Return the requests that an observer sees of a server in use."""
    seen: list[AnsweredRequest] = []

    async def main() -> None:
        observing = ServerParts(observe=seen.extend)
        async with listening(runtime, options, observer=observing, **parts) as client:
            await use(client)

    asyncio.run(main())
    return seen


@pytest.mark.parametrize("in_chunks", [False, True], ids=["direct", "over ASGI"])
def test_calls_are_seen_however_they_end(runtime: Callable[..., Runtime], in_chunks: bool) -> None:
    """Status, fault, stages and bytes of a call do not depend on the way."""

    async def use(client: Client) -> None:
        for body, fields, _ in REQUESTS:
            given = iter([body]) if in_chunks else body
            await asyncio.to_thread(client.request, "POST", "/apply", given, {**KEY, **fields})
        await asyncio.to_thread(client.get, "/health")

    options = ServeOptions(api_key=("sesame",), max_body_size=1000)
    *calls, health = seen_by(runtime(), options, use)
    for call, (body, _, expected) in zip(calls, REQUESTS, strict=True):
        fault = None if call.fault is None else call.fault.kind.value
        assert (call.status, fault, set(call.timings)) == expected
        assert (call.method, call.path, call.endpoint) == ("POST", "/apply", "apply")
        assert call.bytes_in == (len(body) if call.timings else 0) or in_chunks
        assert (call.bytes_out > 0, call.timestamp > 0, call.seconds > 0) == (True,) * 3
        assert call.caller == (None if call.status == 401 else "key-1")
    assert (health.path, health.endpoint, health.status) == ("/health", None, 200)


def test_full_queue_and_a_client_that_has_gone_are_seen(
    runtime: Callable[..., Runtime], gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A call that is refused at once has a status, one whose client has gone has none."""

    async def use(client: Client) -> None:
        body = json.dumps({"inputs": gate_inputs})
        connection = client.connection()
        connection.request("POST", "/apply", body)
        await asyncio.to_thread(gate.wait_until_entered)
        await asyncio.to_thread(client.request, "POST", "/apply", body)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # with a reset, as the client does not wait for the answer
        await asyncio.to_thread(client.get, "/health")
        gate.open()

    seen = seen_by(runtime(GATED), ServeOptions(queue_size=0), use)
    ends = {(one.status, one.fault and one.fault.kind.value) for one in seen}
    assert ends == {(503, "queue_full"), (None, None), (200, None)}


def test_calls_of_extensions_are_seen(runtime: Callable[..., Runtime]) -> None:
    """They have no method; a refused one has the status that its endpoint would have."""
    servers: list[ServerContext] = []

    async def call(request: Request) -> PlainTextResponse:
        try:
            async with servers[0].call(call_of({"x": [1.0]}, "mine")) as reply:
                return PlainTextResponse(b"".join(reply.body))
        except QueueFull:
            return PlainTextResponse("full")

    def build(server: ServerContext) -> ServerParts:
        servers.append(server)
        return ServerParts(routes=[Route("/mine", call)])

    extension = ServerExtension(name="mine", summary="Calls.", build=build)

    async def use(client: Client) -> None:
        await asyncio.to_thread(client.get, "/mine")
        servers[0].admission.take_slot()  # type: ignore[attr-defined]  # the server's own
        await asyncio.to_thread(client.get, "/mine")

    seen = seen_by(runtime(), ServeOptions(queue_size=0), use, mine=extension)
    own = [one for one in seen if one.method is None]
    assert [(one.endpoint, one.status, one.run_id) for one in own] == [
        ("apply", 200, "mine"),
        ("apply", 503, "mine"),
    ]
    assert own[0].bytes_in == len(CALL)
    assert own[0].bytes_out > 0


def test_observer_that_blocks_holds_nothing_up(
    runtime: Callable[..., Runtime], caplog: pytest.LogCaptureFixture
) -> None:
    """Requests are answered while an async observer waits, and its failure is reported."""
    entered, answered = threading.Event(), threading.Event()

    async def observe(requests: Sequence[AnsweredRequest]) -> None:
        entered.set()
        await asyncio.sleep(0)
        assert answered.wait(SECONDS)  # as a client of a tracker might, without `await`
        raise RuntimeError(f"{requests[0].path} was not sent")

    async def use(client: Client) -> None:
        for _ in range(3):
            assert (await asyncio.to_thread(client.get, "/health")).status == 200
            await asyncio.to_thread(entered.wait, SECONDS)
        answered.set()

    assert len(seen_by(runtime(), ServeOptions(), use, slow=ServerParts(observe=observe))) == 3
    fault = "Plugin slow (slow 1) failed in observe of server_extensions 'slow': RuntimeError: "
    assert f"{fault}/health was not sent" in caplog.text
