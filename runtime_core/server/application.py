"""The ASGI application: FastAPI with the routes, layers and life cycle of the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Place, Reply, ServerParts
from runtime_core.description import Description
from runtime_core.server.routes import endpoint_routes
from runtime_core.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Server:
    """The `ServerContext` of one service, whose workers have loaded the Tesseract."""

    catalog: Catalog
    config: RuntimeConfig
    workers: Workers

    @property
    def description(self) -> Description:
        """Return what is served."""
        return self.workers.description

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`."""
        yield await self.workers.call(call)


class ObservedServer:
    """A server whose computed calls are shown to the extensions that want to see them."""

    def __init__(self, server: Server, parts: Sequence[ServerParts]) -> None:
        self.catalog = server.catalog
        self.config = server.config
        self.description = server.description
        self._server = server
        self._observers = [part.observe for part in parts if part.observe is not None]

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call and show it to the observers."""
        async with self._server.call(call) as reply:
            for observe in self._observers:
                observe(call, reply)
            yield reply


def build_application(server: Server) -> Any:
    """Return the ASGI application of a server, with everything that extensions add."""
    parts = [extension.build(server) for extension in server.catalog.server_extensions]
    app = FastAPIOffline(
        title=server.config.name,
        version=server.config.version,
        lifespan=_lifespan(parts),
        redoc_url=None,
    )
    document = _openapi(server, parts)
    app.openapi = lambda: document  # type: ignore[method-assign]  # as FastAPI documents it
    app.router.routes.extend(route for part in parts for route in part.routes)
    app.router.routes.extend(endpoint_routes(ObservedServer(server, parts)))
    return _layered(app, parts)


def _openapi(server: Server, parts: Sequence[ServerParts]) -> dict[str, Any]:
    document = dict(server.description.openapi)
    for part in parts:
        if part.openapi is not None:
            document = dict(part.openapi(document))
    return document


def _lifespan(parts: Sequence[ServerParts]) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in parts:
                if part.lifespan is not None:
                    await stack.enter_async_context(part.lifespan())
            yield

    return lifespan


def _layered(app: Any, parts: Sequence[ServerParts]) -> Any:
    """Wrap the application in the layers of the extensions, the outermost place last."""
    layers = [layer for part in parts for layer in part.layers]
    for place in reversed(Place):
        for layer in layers:
            if layer.place is place:
                app = layer.wrap(app)
    return app
