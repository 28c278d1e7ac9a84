"""Server extensions besides those of the core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from runtime_core import Runtime
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.contracts import Call, Reply, ServerExtension, ServerParts
from runtime_core.plugins.declarations import guarded
from runtime_core.server.application import build_application, extension_parts
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from tests.server.asgi import posted
from tests.workers.conftest import in_process

CALL = b'{"inputs": {"x": [1.0]}}'


async def theirs(request: Request) -> PlainTextResponse:
    """Answer in the place of an endpoint."""
    return PlainTextResponse("theirs")


def extended(catalog: Catalog, parts: ServerParts) -> Catalog:
    """Return the catalog with one more extension of the server."""
    extension = ServerExtension(name="more", summary="More.", build=lambda server: parts)
    entry = Registered(value=extension, plugin="more", distribution="more", version="1")
    added = guarded(entry, KINDS["server_extensions"])
    registry = catalog.server_extensions
    return replace(
        catalog, server_extensions=replace(registry, entries={**registry.entries, "more": added})
    )


@pytest.mark.parametrize(
    ("routes", "answer"),
    [
        ([], b'{"y":'),
        ([Route("/apply", theirs, methods=["POST"])], b"theirs"),
        ([Route("/{name}", theirs, methods=["POST"])], b"theirs"),
        ([Mount("/", routes=[Route("/apply", theirs, methods=["POST"])])], b"theirs"),
        ([Route("/apply", theirs, methods=["GET"])], b'{"y":'),
    ],
)
def test_routes_of_extensions_come_before_those_of_endpoints(
    runtime: Callable[..., Runtime], routes: list[BaseRoute], answer: bytes
) -> None:
    """A route of an extension takes precedence over the endpoint."""
    assert asyncio.run(answered(runtime(), ServerParts(routes=routes))).startswith(answer)


def test_extensions_see_calls_with_their_replies(runtime: Callable[..., Runtime]) -> None:
    """An observer sees each computed call, and cannot spoil its answer."""
    seen: list[tuple[str, bool]] = []

    def observe(call: Call, reply: Reply) -> None:
        seen.append((call.endpoint, reply.fault is None))
        raise RuntimeError

    assert asyncio.run(answered(runtime(), ServerParts(observe=observe))).startswith(b'{"y":')
    assert seen == [("apply", True)]


async def greet(websocket: WebSocket) -> None:
    """Accept a WebSocket."""
    await websocket.accept()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": "Bearer sesame"}, ("websocket.accept", None)),
        ({}, ("websocket.http.response.start", 401)),
        ({"authorization": "Bearer sesame", "host": "a.b"}, ("websocket.http.response.start", 421)),
    ],
)
def test_websocket_routes_are_behind_the_layers(
    runtime: Callable[..., Runtime], headers: dict[str, str], expected: tuple[str, int | None]
) -> None:
    """A handshake needs a key and a known host as a request does."""
    parts = ServerParts(routes=[WebSocketRoute("/greet", greet)])
    assert asyncio.run(shaken(runtime(), parts, {"host": "localhost", **headers})) == expected


async def shaken(
    runtime: Runtime, parts: ServerParts, headers: dict[str, str]
) -> tuple[str, int | None]:
    """Return type and status of the first answer of a server with a key to a handshake."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/greet",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}},
    }
    async with serving(runtime, parts, ServeOptions(api_key=("sesame",))) as application:
        await application(scope, receive, send)
    return sent[0]["type"], sent[0].get("status")


async def answered(runtime: Runtime, parts: ServerParts) -> bytes:
    """Return the answer of a server with an extension to a call of `apply`."""
    async with serving(runtime, parts, ServeOptions()) as application:
        status, body = await posted(application, "/apply", CALL)
    assert status == 200
    return body


@asynccontextmanager
async def serving(
    runtime: Runtime, parts: ServerParts, options: ServeOptions
) -> AsyncIterator[ASGIApp]:
    """Return the application of a server with an extension."""
    catalog = extended(runtime.catalog, parts)
    config = resolve(catalog, flags={"api_path": runtime.config.api_path}, environment={})
    async with in_process(runtime) as workers:
        server = Server(catalog=catalog, config=config, options=options, workers=workers)
        yield build_application(server, extension_parts(server))
