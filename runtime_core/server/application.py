"""The ASGI application: FastAPI with the routes, layers and life cycle of the catalog."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi_offline import FastAPIOffline
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.catalog import CORE, Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Description, Place, Reply, ServerParts
from runtime_core.server.admission import Admission
from runtime_core.server.negotiation import Negotiation
from runtime_core.server.request_body import Reading
from runtime_core.server.routes import ComputingRoute, endpoint_routes
from runtime_core.server.serve_options import ServeOptions
from runtime_core.workers import BodyBuffer, Workers

_log = logging.getLogger(__name__)


class Server:
    """The `ServerContext` of one service, whose workers have loaded the Tesseract."""

    def __init__(
        self, *, catalog: Catalog, config: RuntimeConfig, options: ServeOptions, workers: Workers
    ) -> None:
        self.catalog = catalog
        self.config = config
        self.options = options
        self.admission = Admission(
            slots=options.num_workers + options.queue_size, size=options.max_queued_bytes
        )
        self.reading = Reading()
        self.negotiation = Negotiation(catalog, config)
        self._workers = workers
        self._observers: list[Callable[[Call, Reply], None]] = []

    @property
    def description(self) -> Description:
        """Return what is served."""
        return self._workers.description

    @property
    def problem(self) -> str | None:
        """Return why no call can be computed at the moment, or nothing."""
        return self._workers.problem

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return where the body of a call is collected."""
        return self._workers.arriving(expected)

    def stop_reading(self) -> None:
        """Give up the bodies that are still arriving."""
        self.reading.stop()

    def add_observer(self, observe: Callable[[Call, Reply], None]) -> None:
        """Show every computed call, with its reply, to a function of an extension."""
        self._observers.append(observe)

    def call(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`."""
        return self._observed(call) if self._observers else self._workers.call(call)

    @asynccontextmanager
    async def _observed(self, call: Call) -> AsyncIterator[Reply]:
        async with self._workers.call(call) as reply:
            for observe in self._observers:
                try:
                    observe(call, reply)
                # An extension that only looks on must not spoil the answer.
                except Exception:
                    _log.exception("An observer of calls failed.")
            yield reply


@dataclass(frozen=True, kw_only=True)
class Application:
    """An ASGI application, and what is entered before it serves and left afterwards."""

    asgi: Any
    lifespans: Sequence[Callable[[], AbstractAsyncContextManager[None]]]


def build_application(server: Server) -> Application:
    """Return the application of a server, with everything that extensions add."""
    parts = list(_parts(server))
    for part in parts:
        if part.observe is not None:
            server.add_observer(part.observe)
    app = FastAPIOffline(
        title=server.config.name,
        version=server.config.version,
        redoc_url=None,
    )
    document = _openapi(server, parts)
    app.openapi = lambda: document  # type: ignore[method-assign]  # as FastAPI documents it
    app.router.routes.extend(route for part in parts for route in part.routes)
    app.router.routes.extend(endpoint_routes(server))
    return Application(
        asgi=_layered(ShortCut(app, _computing_routes(app.router.routes)), parts),
        lifespans=[part.lifespan for part in parts if part.lifespan is not None],
    )


class ShortCut:
    """Leads calls to the routes that compute, past everything that a router has to try."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do it."""
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        app = self._routes.get(scope["path"], self._app) if is_call else self._app
        await app(scope, receive, send)


def _computing_routes(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    """Return by path the routes that compute and that a router would choose."""
    return {
        route.path: ServerErrorMiddleware(route.app)
        for route in routes
        if isinstance(route, Route)
        and isinstance(route.app, ComputingRoute)
        and _chosen(routes, route.path) is route
    }


def _chosen(routes: Sequence[BaseRoute], path: str) -> BaseRoute | None:
    """Return the route of `POST path`, if the path is all that decides: extensions come first."""
    call = {"type": "http", "method": "POST", "path": path}
    for route in routes:
        if not isinstance(route, Route | Mount | WebSocketRoute):
            return None
        if route.matches(call)[0] is Match.FULL:
            return route
    return None


def _parts(server: Server) -> Iterator[ServerParts]:
    """Yield what the extensions add; one that fails is left out, unless it is the core's own."""
    for entry in server.catalog.server_extensions.entries.values():
        try:
            yield entry.value.build(server)
        # A plugin may do anything; the rest must be served.
        except Exception as error:
            if entry.distribution == CORE:
                raise
            _log.warning(
                "Server extension %r of %s is left out: %s: %s",
                entry.value.name,
                entry.origin,
                type(error).__name__,
                error,
            )


def _openapi(server: Server, parts: Sequence[ServerParts]) -> dict[str, Any]:
    document = dict(server.description.openapi)
    for part in parts:
        if part.openapi is not None:
            document = dict(part.openapi(document))
    return document


def _layered(app: Any, parts: Sequence[ServerParts]) -> Any:
    """Wrap the application in the layers of the extensions, the outermost place last."""
    layers = [layer for part in parts for layer in part.layers]
    for place in reversed(Place):
        for layer in layers:
            if layer.place is place:
                app = layer.wrap(app)
    return app
