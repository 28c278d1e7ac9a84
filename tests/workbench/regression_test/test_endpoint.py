"""The endpoint `test` runs one case, and is served to developers only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.config import resolve
from runtime_core.description.openapi import openapi_document
from runtime_core.errors import FaultKind
from runtime_core.runtime import served_runtime
from tests.workbench.regression_test.conftest import OUTPUTS, SHAPES, case

Make = Callable[..., Runtime]


def posted(runtime: Runtime, document: Any) -> Reply:
    """Return the reply to a case in JSON."""
    return runtime.invoke(
        Call(
            endpoint="test",
            run_id="case-1",
            body=json.dumps(document).encode(),
            body_format="json",
            output=Wire(format="json"),
        )
    )


def result_of(runtime: Runtime, document: Any) -> Any:
    """Return the result of a valid case."""
    reply = posted(runtime, document)
    assert reply.fault is None, reply.fault.message
    return json.loads(b"".join(reply.body))


def test_case_that_passes(runtime: Make) -> None:
    """The answer is status, message and endpoint."""
    made = runtime(SHAPES, debug=True)
    assert result_of(made, case(expected_outputs=OUTPUTS)) == {
        "status": "passed",
        "message": "",
        "endpoint": "apply",
    }


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"expected_outputs": {**OUTPUTS, "count": 8}}, "failed", "count: expected 8, got 7"),
        ({"expected_exception": "ValueError"}, "failed", "expected ValueError, but nothing"),
        ({"endpoint": "aply", "expected_outputs": {}}, "error", "Unknown endpoint 'aply'."),
        ({"payload": 3, "expected_outputs": {}}, "error", "The payload of apply is not valid:"),
    ],
)
def test_case_that_does_not_pass_is_an_answer(
    runtime: Make, fields: dict[str, Any], status: str, message: str
) -> None:
    """The endpoint does not fail when a case fails or cannot be run."""
    answer = result_of(runtime(SHAPES, debug=True), case(**fields))
    assert answer["status"] == status
    assert answer["message"].startswith(message)


def test_case_that_is_none_is_refused(runtime: Make) -> None:
    """An invalid case is an invalid payload, with all its faults."""
    fault = posted(runtime(SHAPES, debug=True), {"expected_exception": "a b", "atol": -1}).fault
    assert fault is not None
    assert fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in fault.details] == [
        ["endpoint"],
        ["expected_exception"],
        ["atol"],
    ]


def test_without_debug_there_is_none(runtime: Make) -> None:
    """Without `--debug` the endpoint is not served, and the message names the option."""
    fault = posted(runtime(SHAPES), case(expected_outputs=OUTPUTS)).fault
    assert fault is not None
    assert (fault.kind, fault.message) == (
        FaultKind.UNKNOWN_NAME,
        "Endpoint 'test' is not available: it is served with --debug only.",
    )
    assert "/test" not in openapi_document(runtime(SHAPES))["paths"]


def test_openapi_describes_it(runtime: Make) -> None:
    """With `--debug` case and result are components of the OpenAPI document."""
    document = openapi_document(runtime(SHAPES, debug=True))
    assert "post" in document["paths"]["/test"]
    schemas = document["components"]["schemas"]
    assert schemas["RegressionCase"]["required"] == ["endpoint"]
    assert list(schemas["CaseResult"]["properties"]) == ["status", "message", "endpoint"]


def test_a_case_of_a_case(runtime: Make) -> None:
    """The endpoint can be tested like any other."""
    inner = case(expected_outputs=OUTPUTS)
    outer = {
        "endpoint": "test",
        "payload": inner,
        "expected_outputs": {"status": "passed", "message": "", "endpoint": "apply"},
    }
    assert result_of(runtime(SHAPES, debug=True), outer)["status"] == "passed"


def test_a_remote_case_opens_no_files(
    catalog: Any, tesseract: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `cli_config` of a remote caller does not extend its rights."""
    source = """
from pydantic import BaseModel
from runtime_core.calls import scope
from tesseract_core.runtime.config import get_config

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    input_path: str
    confined: bool

def apply(inputs):
    files = scope.current().files
    return {"input_path": get_config().input_path, "confined": files.confined}
"""
    flags = {"api_path": str(tesseract(source)), "debug": True, "input_path": str(tmp_path)}
    made = served_runtime(catalog, resolve(catalog, flags=flags, environment={}))
    document = {
        "endpoint": "apply",
        "payload": {"inputs": {}},
        "cli_config": {"input_path": "/etc"},
        "expected_outputs": {"input_path": str(tmp_path), "confined": True},
    }
    assert result_of(made, document) == {"status": "passed", "message": "", "endpoint": "apply"}
