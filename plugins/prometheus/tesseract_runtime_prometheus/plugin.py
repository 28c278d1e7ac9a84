"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ServerExtension, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide `/metrics`."""
    yield ServerExtension(
        name="prometheus",
        summary="GET /metrics: calls, workers and the queue, for Prometheus.",
        build=lazy_call("tesseract_runtime_prometheus.route:build"),
    )
