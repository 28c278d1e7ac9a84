"""The route `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime_core.contracts import ServerContext, ServerParts
from tesseract_runtime_prometheus.call_metrics import CallMetrics
from tesseract_runtime_prometheus.server_metrics import ServerMetrics

PATH = "/metrics"


def build(server: ServerContext) -> ServerParts:
    """Count the calls of the server, and add the route, which needs no key."""
    registry = CollectorRegistry()
    registry.register(ServerMetrics(server))
    calls = CallMetrics(registry)

    # Not in a thread: the state of the server changes in the event loop.
    async def metrics(request: Request) -> Response:
        """Show the metrics of the server and of its calls."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": media_type})

    return ServerParts(
        routes=[Route(PATH, metrics, methods=["GET"])],
        public_paths=[PATH],
        observe=calls.observe,
    )
