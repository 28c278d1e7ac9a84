"""Metadata of calls: from a client through servers to the author's code and to extensions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.contracts import AnsweredRequest, ServerParts
from runtime_core.errors import PluginFailed
from runtime_core.server.serve_options import ServeOptions
from tesseract_runtime_client import Tesseract
from tests.server.conftest import Client
from tests.server.test_extensions import extended
from tests.server.test_observers import listening, seen_by

CURRENT = """
from pydantic import BaseModel
from runtime_core import current_call
from tesseract_runtime_client import Tesseract

class InputSchema(BaseModel):
    url: str = ""

class OutputSchema(BaseModel):
    seen: list[dict[str, str]]

def apply(inputs):
    call = current_call()
    seen = [{"run_id": call.run_id, "endpoint": call.endpoint, **call.metadata}]
    if inputs.url:
        with Tesseract.from_url(inputs.url) as inner:
            seen += inner.apply({})["seen"]
    return OutputSchema(seen=seen)
"""

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FIELDS = {"traceparent": TRACE, "X-Request-ID": "7", "X-Tenant": "acme", "X-Other": "no"}


class Spans:
    """An extension as of OpenTelemetry: it makes a span of each call of a trace."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str | None]] = []
        self.parts = ServerParts(observe=self.export, metadata=["X-Tenant"])

    async def export(self, requests: Sequence[AnsweredRequest]) -> None:
        """Export the spans of requests."""
        await asyncio.sleep(0)
        for request in requests:
            if (trace := request.metadata.get("traceparent")) is not None:
                name = f"{request.method} {request.endpoint}"
                self.spans.append((trace.split("-")[1], name, request.metadata.get("x-tenant")))


def test_metadata_reach_the_author_inner_calls_and_observers(
    runtime: Callable[..., Runtime],
) -> None:
    """Allowed fields go on from server to server, others do not; a client's may change."""
    outer, inner = Spans(), Spans()
    numbers = count()

    def fields() -> dict[str, str]:
        return {**FIELDS, "X-Request-ID": str(next(numbers))}

    async def chain() -> list[dict[str, str]]:
        first, second = runtime(CURRENT), runtime(CURRENT)
        async with (
            listening(first, ServeOptions(), spans=outer.parts) as front,
            listening(second, ServeOptions(), spans=inner.parts) as back,
        ):
            with Tesseract.from_url(f"http://127.0.0.1:{front.port}", metadata=fields) as client:
                url = {"url": f"http://127.0.0.1:{back.port}"}
                await asyncio.to_thread(client.apply, url)
                answer = await asyncio.to_thread(client.apply, url)
        seen: list[dict[str, str]] = answer["seen"]
        return seen

    for seen in asyncio.run(chain()):
        assert seen.pop("run_id")
        assert seen == {
            "endpoint": "apply", "traceparent": TRACE, "x-request-id": "1", "x-tenant": "acme",
        }  # fmt: skip
    assert outer.spans == inner.spans == [(TRACE.split("-")[1], "POST apply", "acme")] * 2


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (
            {"tracestate": "a" * 1025},
            "tracestate has 1025 characters; at most 1024 go with a call.",
        ),
        ({"traceparent": "\xfc"}, "traceparent must be printable ASCII text, not 'ü'."),
    ],
)
def test_invalid_metadata_are_refused(
    runtime: Callable[..., Runtime], field: dict[str, str], problem: str
) -> None:
    """The caller gets a 422 that names the field, and observers see the refusal."""

    async def use(client: Client) -> None:
        body = json.dumps({"inputs": {"x": [1.0]}})
        answer = await asyncio.to_thread(client.request, "POST", "/apply", body, field)
        [fault] = answer.json()["detail"]
        assert (answer.status, fault["loc"], fault["msg"]) == (422, ["header", *field], problem)

    [seen] = seen_by(runtime(), ServeOptions(), use)
    assert seen.status == 422


def test_extension_cannot_take_a_field_with_another_meaning(
    runtime: Callable[..., Runtime],
) -> None:
    """Keys never become metadata."""
    catalog = extended(runtime().catalog, keys=ServerParts(metadata=["Authorization"]))
    build: Any = catalog.server_extensions.entries["keys"].value.build
    with pytest.raises(
        PluginFailed, match="metadata Authorization, which is not the name of a free"
    ):
        build(server=None)
