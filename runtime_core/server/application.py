"""The ASGI application: FastAPI with the routes, layers and life cycle of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from fastapi_offline import FastAPIOffline
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime_core.calls.metadata import FIELDS
from runtime_core.contracts import Layer, Place, ServerParts
from runtime_core.errors import PluginFailed, TesseractRuntimeError, did_you_mean
from runtime_core.plugins.guard import Guarded, GuardedApplication
from runtime_core.server.direct_calls import DirectCalls
from runtime_core.server.documentation_page import ASSETS, documentation_route
from runtime_core.server.exchange import observed
from runtime_core.server.fault_boundary import FaultBoundary
from runtime_core.server.responses import JsonResponse
from runtime_core.server.routes import ComputingRoute, endpoint_routes
from runtime_core.server.server import Server
from runtime_core.server.start_page import links_route, list_route, listed_paths


@dataclass(frozen=True, kw_only=True)
class Application:
    """An ASGI application, and those of its calls that need no ASGI."""

    asgi: ASGIApp
    direct_calls: DirectCalls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of any kind."""
        await self.asgi(scope, receive, send)


def build_application(server: Server, parts: Mapping[str, ServerParts]) -> Application:
    """Build the application of a server with the parts of its extensions, by their names.

    An extension that fails is left out whole.
    """
    used = dict(parts)
    while True:
        try:
            return _built(server, used)
        except PluginFailed as fault:
            server.leave_out(fault)
            del used[fault.declaration]


def extension_parts(server: Server) -> dict[str, ServerParts]:
    """Return the parts of the extensions by their names, without those that fail."""
    parts = {}
    for name, entry in server.catalog.server_extensions.entries.items():
        try:
            parts[name] = entry.value.build(server=server)
        except PluginFailed as fault:
            server.leave_out(fault)
    return parts


def _built(server: Server, named_parts: Mapping[str, ServerParts]) -> Application:
    parts = [*named_parts.values()]
    app = FastAPIOffline(
        title=server.config.name,
        version=server.config.version,
        static_url=ASSETS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would go to whatever `Host` the request names
    )
    document = dict(server.description.openapi)
    for part in parts:
        app.router.routes.extend(_contained(route, server) for route in part.routes)
        if part.openapi is not None:
            document = dict(part.openapi(document))
    listed = listed_paths(server, named_parts)
    _add_fault_handlers(app, server, [each.path for each in listed])
    app.openapi = lambda: document  # type: ignore[method-assign]  # as FastAPI documents it
    app.router.routes.insert(0, list_route(server, listed))
    app.router.routes.extend(endpoint_routes(server))
    app.router.routes.append(documentation_route(server.config.name))
    app.router.routes.append(links_route(server, listed))
    server.observers.replace([part.observe for part in parts if part.observe is not None])
    server.public_paths = frozenset(path for part in parts for path in part.public_paths)
    server.metadata = (*FIELDS, *(name.lower() for part in parts for name in part.metadata))
    computing = _computing(app.router.routes)
    layers = _ordered(layer for part in parts for layer in part.layers)
    layered = _layered(_with_short_cuts(app, computing), layers, server)
    return Application(
        asgi=observed(layered, computing, server.observers),
        direct_calls=DirectCalls(server, computing, layers),
    )


def _add_fault_handlers(app: Starlette, server: Server, paths: Sequence[str]) -> None:
    """Let faults be answered as JSON; unknown paths are suggested from `paths`."""

    async def not_found(request: Request, error: Exception) -> Response:
        near = did_you_mean(request.url.path, paths)
        detail = f"Not Found.{near or ' GET / lists the paths.'}"
        return JsonResponse({"detail": detail}, status_code=404)

    async def wrong_method(request: Request, error: Exception) -> Response:
        headers = getattr(error, "headers", None) or {}
        methods = sorted({*headers.get("Allow", "").split(", ")} - {"HEAD", "OPTIONS"})
        detail = f"Method Not Allowed: {request.url.path} takes {' and '.join(methods)}."
        return JsonResponse({"detail": detail}, status_code=405, headers=headers)

    async def failed(request: Request, error: Exception) -> Response:
        return server.fault_response(server.failure(error))

    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, wrong_method)
    app.add_exception_handler(TesseractRuntimeError, failed)
    app.add_exception_handler(OSError, failed)


def _computing(routes: Sequence[BaseRoute]) -> Mapping[str, ComputingRoute]:
    """Return the routes that compute by their paths, unless an extension has taken the path."""
    return {
        route.path: route.app
        for route in routes
        if isinstance(route, Route)
        and isinstance(route.app, ComputingRoute)
        and _chosen(routes, route.path) is route
    }


def _with_short_cuts(app: ASGIApp, computing: Mapping[str, ComputingRoute]) -> ASGIApp:
    """Forward calls directly to the routes that compute, without a search of the router."""

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        chosen = computing.get(scope["path"], app) if is_call else app
        await chosen(scope, receive, send)

    return forward


def _chosen(routes: Sequence[BaseRoute], path: str) -> BaseRoute | None:
    """Return the route of `POST path`, if nothing but the path decides."""
    call = {"type": "http", "method": "POST", "path": path}
    for route in routes:
        if not isinstance(route, Route | Mount | WebSocketRoute):
            return None
        if route.matches(call)[0] is Match.FULL:
            return route
    return None


def _contained(route: BaseRoute, server: Server) -> BaseRoute:
    """Let the failures of a plugin's route be answers."""
    if isinstance(route.handle, GuardedApplication):
        route = copy(route)
        route.handle = FaultBoundary(route.handle, server)  # type: ignore[method-assign]  # a copy's
    return route


def _ordered(layers: Iterable[Layer]) -> Sequence[Layer]:
    """Return the layers from the innermost to the outermost."""
    places = [*Place]
    return sorted(layers, key=lambda layer: places.index(layer.place), reverse=True)


def _layered(app: ASGIApp, layers: Sequence[Layer], server: Server) -> ASGIApp:
    """Wrap the application in the layers of the extensions, the outermost last."""
    for layer in layers:
        if isinstance(layer.wrap, Guarded):  # of a plugin, which is not to blame for what is inside
            app = FaultBoundary(layer.wrap(FaultBoundary(app, server)), server)
        else:
            app = layer.wrap(app)
    return app
