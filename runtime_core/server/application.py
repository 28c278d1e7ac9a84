"""The ASGI application: FastAPI with the routes, layers and life cycle of the catalog."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from fastapi_offline import FastAPIOffline
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.catalog import CORE
from runtime_core.contracts import Place, ServerParts
from runtime_core.server.routes import ComputingRoute, endpoint_routes
from runtime_core.server.server import Server

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Application:
    """An ASGI application, and the life cycles that are entered before it serves."""

    asgi: Any
    lifespans: Sequence[Callable[[], AbstractAsyncContextManager[None]]]


def build_application(server: Server) -> Application:
    """Build the application of a server with the parts of its extensions."""
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
    """Forwards calls directly to the routes that compute, without a search of the router."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request to a route or to the application."""
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        app = self._routes.get(scope["path"], self._app) if is_call else self._app
        await app(scope, receive, send)


def _computing_routes(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    """Return the computing routes that a router would choose, by path."""
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
    """Yield the parts of the extensions; one of a plugin that fails is left out."""
    for entry in server.catalog.server_extensions.entries.values():
        try:
            yield entry.value.build(server)
        # A plugin may raise anything; the rest must be served.
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
