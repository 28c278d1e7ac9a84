"""The conformance suite of endpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runtime_core.contracts import Unavailable, Wire
from runtime_core.description.openapi import openapi_document
from runtime_core.errors import FaultKind
from runtime_core.runtime import Runtime
from runtime_core.testing.calls import PLUS_ONE, call_of, result_of

WITHOUT_ARRAYS = re.sub(r"[xy]: Differentiable.*", "text: str", PLUS_ONE)
"""A Tesseract with a text for its input and its output, which is bound but never called."""


@pytest.mark.usefixtures("unchanged_environment")
class EndpointConformance:
    """Tests that an endpoint answers in every format, and refuses what its schema does not allow.

    A subclass names the endpoint and gives a payload in JSON. `source` is a Tesseract that has the
    endpoint; by default it adds 1 to the vector `x`.

        class TestStatistics(EndpointConformance):
            endpoint = "statistics"
            payload = '{"inputs": {"x": [1.0, 2.0]}}'
    """

    endpoint: ClassVar[str]
    payload: ClassVar[str]
    source: ClassVar[str] = PLUS_ONE

    @pytest.fixture
    def served(self, runtime: Callable[..., Runtime], tmp_path: Path) -> Runtime:
        """Return the Tesseract with the endpoint."""
        return runtime(self.source, output_path=str(tmp_path))

    def fault(self, served: Runtime, payload: Any) -> Any:
        """Return the fault of a payload."""
        return served.invoke(call_of(payload, endpoint=self.endpoint)).fault

    def test_every_format_has_the_same_result(self, served: Runtime) -> None:
        """The result of a call in Python is that of a document in every format."""
        given, folder = json.loads(self.payload), served.config.output_path
        expected = served.call(self.endpoint, given).model_dump_json()
        call = call_of(given, endpoint=self.endpoint, output_path=folder)
        for form in served.catalog.formats.names:
            assert result_of(served, replace(call, output=Wire(format=form))) == expected, form

    def test_other_payloads_are_refused(self, served: Runtime) -> None:
        """An unknown key, a missing one and another type are faults of the caller."""
        given = json.loads(self.payload)
        assert self.fault(served, given) is None
        payloads: list[Any] = [{**given, "unknown": 1}, [given], None, "text"]
        fields = getattr(served.bound(self.endpoint).payload, "model_fields", {})
        required = [name for name, field in fields.items() if field.is_required()]
        payloads += [{k: v for k, v in given.items() if k != name} for name in required]
        for payload in payloads:
            fault = self.fault(served, payload)
            assert fault is not None, payload
            assert (fault.kind, fault.trace) == (FaultKind.INVALID_PAYLOAD, ""), payload
            assert all(detail["msg"] for detail in fault.details)

    def test_openapi_describes_it(self, served: Runtime) -> None:
        """The OpenAPI document has the endpoint and its models."""
        document = openapi_document(served)
        assert f"/{self.endpoint}" in document["paths"]
        bound = served.bound(self.endpoint)
        for model in filter(None, (bound.payload, bound.result)):
            assert model.__name__ in document["components"]["schemas"]

    def test_other_tesseracts_have_it_or_a_reason(self, runtime: Callable[..., Runtime]) -> None:
        """Without arrays, the endpoint is bound too, or has a reason why it is unavailable."""
        served = runtime(WITHOUT_ARRAYS)
        before = served.catalog.faults.texts  # of other tests
        bound = served.endpoint(self.endpoint)
        assert not isinstance(bound, Unavailable) or bound.reason.strip()
        assert served.catalog.faults.texts == before
