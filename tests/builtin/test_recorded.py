"""Requests of a client of the original and its answers, for every endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Call, Runtime, Wire
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import local_runtime
from tests.builtin.conftest import GRADIENTS
from tests.server.conftest import Served, serving

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MODEL = GOLDEN / "models" / "vectoradd" / "tesseract_api.py"
RECORDED = json.loads((GOLDEN / "sdk" / "vectoradd.json").read_bytes())["calls"]

EXCHANGES: Mapping[str, Any] = {
    call["call"]: exchange
    for call in RECORDED
    for exchange in call["exchanges"]
    if exchange["path"] == f"/{call['call']}" and exchange["method"] == "POST"
}
"""The recorded request and answer of each endpoint."""

OURS = (*GRADIENTS, "abstract_eval")


@pytest.fixture(scope="module")
def vectoradd(catalog: Catalog) -> Runtime:
    """Return the runtime of the recorded model."""
    return local_runtime(catalog, resolve(catalog, flags={"api_path": str(MODEL)}, environment={}))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return a server of the recorded model."""
    with serving(MODEL) as server:
        yield server


def test_every_endpoint_was_recorded() -> None:
    """The recording has a request for each endpoint that is compared here."""
    assert set(OURS) <= set(EXCHANGES)


@pytest.mark.parametrize("endpoint", OURS)
def test_a_recorded_request_is_answered_with_the_same_text(
    endpoint: str, vectoradd: Runtime
) -> None:
    """The body that the client sent gets the very answer that it got."""
    exchange = EXCHANGES[endpoint]
    reply = vectoradd.invoke(
        Call(
            endpoint=endpoint,
            run_id="golden",
            body=exchange["request_body"]["text"].encode(),
            body_format="json",
            output=Wire(format="json"),
        )
    )
    assert reply.fault is None
    assert b"".join(reply.body).decode() == exchange["response_body"]["text"]


@pytest.mark.parametrize("endpoint", OURS)
def test_a_recorded_request_is_answered_over_http(endpoint: str, served: Served) -> None:
    """With the client's own headers, status, type and document are those of the recording."""
    exchange = EXCHANGES[endpoint]
    body = exchange["request_body"]["text"].encode()
    answer = served.request("POST", exchange["path"], body, exchange["request_headers"])
    assert answer.status == exchange["status"]
    assert answer.headers["content-type"] == exchange["response_headers"]["content-type"]
    assert answer.json() == json.loads(exchange["response_body"]["text"])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"vjp_outputs": ["resul"]}, ["body", "vjp_outputs", 0]),
        ({"cotangent_vector": {"result": [1.0, 2.0]}}, ["body", "cotangent_vector", "result"]),
        ({"cotangent_vector": {}}, ["body", "cotangent_vector"]),
        ({"batch": 3}, ["body", "cotangent_vector", "result"]),
        ({"batch": 0}, ["body", "batch"]),
    ],
)
def test_a_wrong_request_is_refused_over_http(
    change: dict[str, Any], place: list[Any], served: Served
) -> None:
    """A fault of the payload is a 422 in the form of FastAPI."""
    text = EXCHANGES["vector_jacobian_product"]["request_body"]["text"]
    answer = served.request(
        "POST", "/vector_jacobian_product", json.dumps(json.loads(text) | change)
    )
    assert answer.status == 422
    faults = answer.json()["detail"]
    assert place in [fault["loc"] for fault in faults]
    assert all({"type", "loc", "msg"} <= set(fault) for fault in faults)
