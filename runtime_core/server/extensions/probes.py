"""Probes: `GET /livez` for a running server, `GET /readyz` for one that can compute."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.server.responses import JsonResponse

PROBES = ("/health", "/livez", "/readyz")
"""Paths that need no key: orchestrators request them, and they reveal nothing."""


def build(server: ServerContext) -> ServerParts:
    """Add the routes."""

    async def readyz(request: Request) -> Response:
        if server.problem is None:
            return JsonResponse({"status": "ready"})
        return JsonResponse({"status": "not ready", "detail": server.problem}, status_code=503)

    livez = Route("/livez", JsonResponse({"status": "ok"}), methods=["GET"])
    return ServerParts(routes=[livez, Route("/readyz", readyz)])
