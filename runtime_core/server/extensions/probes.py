"""Probes: `GET /livez` for a running server, `GET /readyz` for one that can compute."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from runtime_core.server.headers import CALLER
from runtime_core.server.local_paths import tree_without_folders
from runtime_core.server.responses import JsonResponse

PROBES = ("/health", "/livez", "/readyz")
"""Paths that need no key: orchestrators request them, and they reveal nothing."""


def build(server: ServerContext) -> ServerParts:
    """Add the routes."""
    options = server.options
    is_for_anyone = not options.is_for_others and not options.has_keys

    async def livez(request: Request) -> Response:
        """Check whether the server runs."""
        return JsonResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        """Check whether calls can be computed; 503 with the reason if not."""
        problem, load = server.problem, server.load
        facts: dict[str, Any] = {"status": "ready"}
        if problem is not None:
            facts = {"status": "not ready", "detail": problem}
        facts |= {
            "workers": options.num_workers,
            "busy_workers": load.busy,
            "queue_size": options.queue_size,
            "waiting_calls": load.waiting,
        }
        # Strangers learn nothing but the state.
        if CALLER in request.scope or is_for_anyone:
            facts["running"] = [asdict(call) for call in server.running]
            facts["plugin_faults"] = tree_without_folders(server.catalog.plugin_faults)
        return JsonResponse(facts, status_code=200 if problem is None else 503)

    routes = [Route("/livez", livez), Route("/readyz", readyz)]
    return ServerParts(routes=routes, public_paths=PROBES)
