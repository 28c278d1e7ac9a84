"""`GET /plugins`: the installed plugins, their declarations and faults."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.plugins.inventory import inventory
from runtime_core.server.local_paths import tree_without_folders
from runtime_core.server.responses import JsonResponse


def build(server: ServerContext) -> ServerParts:
    """Add the route."""

    async def plugins(request: Request) -> Response:
        """List the installed plugins with what they provide and their faults."""
        served = server.description
        backends = {one.name: one.backend for one in served.endpoints if one.backend}
        endpoints = {"endpoint_backends": backends, "unavailable_endpoints": served.unavailable}
        return JsonResponse(tree_without_folders({**inventory(server.catalog), **endpoints}))

    return ServerParts(routes=[Route("/plugins", plugins)])
