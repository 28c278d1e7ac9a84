"""Server extensions besides those of the core."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from runtime_core import Runtime
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.contracts import Layer, Place, ServerExtension, ServerParts
from runtime_core.plugins.declarations import guarded
from runtime_core.server.application import build_application, extension_parts
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from tests.server.asgi import posted, requested
from tests.workers.conftest import in_process

CALL = b'{"inputs": {"x": [1.0]}}'


async def theirs(request: Request) -> PlainTextResponse:
    """Answer in the place of an endpoint."""
    return PlainTextResponse("theirs")


def extended(catalog: Catalog, **parts: ServerParts | ServerExtension) -> Catalog:
    """Return the catalog with further extensions of the server, each of a plugin of its name."""
    added = {name: _registered(name, given) for name, given in parts.items()}
    registry = catalog.server_extensions
    return replace(
        catalog, server_extensions=replace(registry, entries={**registry.entries, **added})
    )


def _registered(name: str, given: ServerParts | ServerExtension) -> Registered[ServerExtension]:
    extension = given
    if isinstance(given, ServerParts):
        extension = ServerExtension(name=name, summary="More.", build=lambda server: given)
    entry = Registered(value=extension, plugin=name, distribution=name, version="1")
    return guarded(entry, KINDS["server_extensions"])


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


def test_public_paths_pass_without_a_key_and_by_any_host(runtime: Callable[..., Runtime]) -> None:
    """A path that an extension declares as public is reached as a probe is, others are not."""
    routes = [Route("/metrics", theirs), Route("/metrics/all", theirs)]
    parts = ServerParts(routes=routes, public_paths=["/metrics"])

    async def statuses(host: str) -> list[int]:
        async with serving(runtime(), ServeOptions(api_key=("sesame",)), more=parts) as application:
            answers = [
                await requested(application, "GET", path, host=host)
                for path in ("/metrics", "/metrics/all")
            ]
        return [status for status, _ in answers]

    assert asyncio.run(statuses("localhost")) == [200, 401]
    assert asyncio.run(statuses("10.1.2.3")) == [200, 421]


def broken(request: Request) -> PlainTextResponse:
    """Fail."""
    raise ValueError("no table in /srv/acme/tables")


def refused(request: Request) -> PlainTextResponse:
    """Refuse a request as Starlette has it."""
    raise HTTPException(418)


ROUTES = ServerParts(
    routes=[
        Route("/broken", broken),
        Route("/refused", refused),
        Route("/posted", broken, methods=["POST"]),
    ]
)


def test_a_route_that_fails_is_a_500_of_its_plugin(
    runtime: Callable[..., Runtime], caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets plugin, fault and a run id; the log has the traceback, once."""
    seen: list[int] = []
    fault = "Plugin inner (inner 1) failed in the route '/broken' of server_extensions 'inner': "
    paths = ("/broken", "/broken", "/plugins")
    *answers, (_, listed) = asyncio.run(
        exchanged(runtime(), *paths, inner=ROUTES, outer=watching(seen))
    )
    assert seen == [500, 500, 200]  # a layer outside sees an answer
    for status, body in answers:
        assert status == 500
        assert json.loads(body)["detail"] == f"{fault}ValueError: no table in .../tables"
    assert f"{fault}ValueError: no table in .../tables" in json.loads(listed)["faults"]
    assert caplog.text.count(f"{fault}ValueError: no table in /srv/acme/tables\n") == 1
    assert caplog.text.count("Traceback (most recent call last)") == 1


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/refused", (418, b"I'm a Teapot")), ("/posted", (405, b"Method Not Allowed"))],
)
def test_routes_may_refuse_requests(
    runtime: Callable[..., Runtime], path: str, answer: tuple[int, bytes]
) -> None:
    """An `HTTPException` of a route or of its router is not a fault of a plugin."""
    status, detail = answer
    [given] = asyncio.run(exchanged(runtime(), path, inner=ROUTES))
    assert given == (status, b'{"detail":"%s"}' % detail)


def watching(seen: list[int]) -> ServerParts:
    """Return an extension that notes the status of each answer."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def watch(scope: Scope, receive: Receive, send: Send) -> None:
            async def note(message: Message) -> None:
                seen.extend([message["status"]] if "status" in message else [])
                await send(message)

            await app(scope, receive, note)

        return watch

    return ServerParts(layers=[Layer(place=Place.IDENTITY, wrap=wrap)])


def failing_after(piece: Message) -> ServerParts:
    """Return an extension whose layer fails once it has sent something."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def fail(scope: Scope, receive: Receive, send: Send) -> None:
            await send(piece)
            raise ValueError

        return fail

    return ServerParts(layers=[Layer(place=Place.EDGE, wrap=wrap)])


def test_a_layer_that_fails_in_an_answer_cuts_it_short(runtime: Callable[..., Runtime]) -> None:
    """No second answer follows the half of the first one."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    [answer] = asyncio.run(exchanged(runtime(), "/livez", more=failing_after(start)))
    assert answer == (200, b"")


def test_a_websocket_whose_layer_fails_is_closed(runtime: Callable[..., Runtime]) -> None:
    """A handshake that has been accepted ends with the code of an internal error."""
    parts = failing_after({"type": "websocket.accept"})
    sent = asyncio.run(shaken(runtime(), parts, {"host": "localhost"}))
    assert sent[-1] == {"type": "websocket.close", "code": 1011}


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
    [first, *_] = asyncio.run(shaken(runtime(), parts, {"host": "localhost", **headers}))
    assert (first["type"], first.get("status")) == expected


async def shaken(runtime: Runtime, parts: ServerParts, headers: dict[str, str]) -> list[Message]:
    """Return the answers of a server with a key to a handshake."""
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
    async with serving(runtime, ServeOptions(api_key=("sesame",)), more=parts) as application:
        await application(scope, receive, send)
    return sent


async def exchanged(runtime: Runtime, *paths: str, **parts: ServerParts) -> list[tuple[int, bytes]]:
    """Return the answers of a server with extensions to requests."""
    async with serving(runtime, ServeOptions(), **parts) as application:
        return [await requested(application, "GET", path) for path in paths]


async def answered(runtime: Runtime, parts: ServerParts) -> bytes:
    """Return the answer of a server with an extension to a call of `apply`."""
    async with serving(runtime, ServeOptions(), more=parts) as application:
        status, body = await posted(application, "/apply", CALL)
    assert status == 200
    return body


@asynccontextmanager
async def serving(
    runtime: Runtime, options: ServeOptions, **parts: ServerParts | ServerExtension
) -> AsyncIterator[ASGIApp]:
    """Return the application of a server with extensions."""
    catalog = extended(runtime.catalog, **parts)
    config = resolve(catalog, flags={"api_path": runtime.config.api_path}, environment={})
    async with in_process(runtime) as workers:
        server = Server(catalog=catalog, config=config, options=options, workers=workers)
        application = build_application(server, extension_parts(server))
        async with server.observers:
            yield application
