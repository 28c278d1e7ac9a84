"""Counts and durations of calls, refused ones too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from runtime_core.contracts import AnsweredRequest

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
"""The bounds of the buckets: calls take from a millisecond to an hour."""

_LEFT = "left"
"""The status of a call whose client did not wait for the answer."""


class CallMetrics:
    """Counts the calls of each endpoint."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # To find a metric by its labels takes longer than to count.
        self._calls = cache(
            Counter(
                "tesseract_calls",
                "Calls that were answered, by HTTP status, or 'left' by their clients.",
                ["endpoint", "status"],
                registry=registry,
            ).labels
        )
        self._seconds = cache(
            Histogram(
                "tesseract_call_seconds",
                "Seconds from the head of a call to the end of its answer.",
                ["endpoint"],
                registry=registry,
                buckets=_SECONDS,
            ).labels
        )
        self._stages = cache(
            Histogram(
                "tesseract_stage_seconds",
                "Seconds of each stage of a call.",
                ["endpoint", "stage"],
                registry=registry,
                buckets=_SECONDS,
            ).labels
        )
        self._received = cache(
            Counter(
                "tesseract_received_bytes", "Bytes of bodies.", ["endpoint"], registry=registry
            ).labels
        )
        self._sent = cache(
            Counter(
                "tesseract_sent_bytes", "Bytes of answers.", ["endpoint"], registry=registry
            ).labels
        )

    def observe(self, requests: Sequence[AnsweredRequest]) -> None:
        """Count those of the requests that are calls."""
        for request in requests:
            if request.endpoint is not None:
                self._count(request, request.endpoint)

    def _count(self, request: AnsweredRequest, endpoint: str) -> None:
        self._calls(endpoint, request.status or _LEFT).inc()
        self._seconds(endpoint).observe(request.seconds)
        for stage, seconds in request.timings.items():
            self._stages(endpoint, stage).observe(seconds)
        self._received(endpoint).inc(request.bytes_in)
        self._sent(endpoint).inc(request.bytes_out)
