"""`GET /plugins`: the installed plugins, their declarations and faults."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.plugins.inventory import inventory
from runtime_core.server.responses import JsonResponse


def build(server: ServerContext) -> ServerParts:
    """Add the route."""

    async def plugins(request: Request) -> Response:
        served = server.description
        endpoints = {
            endpoint.name: endpoint.backend for endpoint in served.endpoints if endpoint.backend
        }
        return JsonResponse(
            {
                **inventory(server.catalog),
                "endpoint_backends": endpoints,
                "unavailable_endpoints": dict(served.unavailable),
            }
        )

    return ServerParts(routes=[Route("/plugins", plugins)])
