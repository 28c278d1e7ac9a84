"""The state of the workers and the queue, as it is when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from runtime_core.contracts import ServerContext


class ServerMetrics(Collector):
    """Collects what the server knows of itself."""

    def __init__(self, server: ServerContext) -> None:
        self._server = server

    def collect(self) -> Iterator[Metric]:
        """Yield the current numbers."""
        load = self._server.load
        workers = GaugeMetricFamily(
            "tesseract_workers", "Workers by what they do.", labels=["state"]
        )
        for state in ("busy", "idle", "loading"):
            workers.add_metric([state], getattr(load, state))
        yield workers
        yield CounterMetricFamily(
            "tesseract_worker_restarts", "Workers that have ended.", value=load.restarts
        )
        yield GaugeMetricFamily(
            "tesseract_queue_length", "Calls that wait for a worker.", value=load.waiting
        )
        yield GaugeMetricFamily(
            "tesseract_queue_size",
            "Calls that may wait: more are refused.",
            value=self._server.options.queue_size,
        )
        yield GaugeMetricFamily(
            "tesseract_calls_in_flight",
            "Calls that wait or are computed.",
            value=load.waiting + len(self._server.running),
        )
        yield GaugeMetricFamily(
            "tesseract_ready",
            "1 while calls can be computed, else 0.",
            value=self._server.problem is None,
        )
