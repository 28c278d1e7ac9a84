"""A server extension: which version is served, in a header, at `/version` and in OpenAPI."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from runtime_core.contracts import (
    AnsweredRequest,
    Layer,
    Place,
    ServerContext,
    ServerExtension,
    ServerParts,
)
from runtime_core.hookspecs import hookimpl

HEADER = "Tesseract-Version"


def build(server: ServerContext) -> ServerParts:
    """Add every part that a server can be given."""
    from starlette.datastructures import MutableHeaders  # only a server needs Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    version = server.config.version
    calls: Counter[str] = Counter()

    async def show(request: Request) -> JSONResponse:
        return JSONResponse({"version": version, "calls": calls})

    def wrap(app: Any) -> Any:
        async def labelled(scope: Any, receive: Any, send: Any) -> None:
            async def label(message: Any) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)[HEADER] = version
                await send(message)

            await app(scope, receive, label)

        return labelled

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        print(f"Version {version} starts.", file=sys.stderr)
        yield
        print(f"Version {version} stops.", file=sys.stderr)

    async def observe(requests: Sequence[AnsweredRequest]) -> None:
        calls.update(request.endpoint for request in requests if request.endpoint)

    return ServerParts(
        routes=[Route("/version", show)],
        layers=[Layer(place=Place.EDGE, wrap=wrap)],
        lifespan=lifespan,
        observe=observe,
        openapi=lambda document: {**document, "x-version-header": HEADER},
    )


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the version."""
    yield ServerExtension(name="version-header", summary="Which version is served.", build=build)
