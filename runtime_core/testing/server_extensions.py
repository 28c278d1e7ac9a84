"""The conformance suite of server extensions."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from runtime_core.runtime import Runtime
from runtime_core.testing.calls import PLUS_ONE, call_of
from runtime_core.testing.served import Served

ANSWERS = (("/apply", '{"inputs": {"x": "many"}}', 422), ("/apply", "{", 422), ("/none", None, 404))
"""Requests that are refused: the path, the body, and the status."""


@pytest.mark.usefixtures("unchanged_environment")
class ServerExtensionConformance:
    """Tests that a server with an extension answers as one without it, and ends without a fault.

    A subclass names the extension, whose plugin must be installed. `options` are those of `serve`.

        class TestVersion(ServerExtensionConformance):
            extension = "version"
    """

    extension: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def served(self, serve: Callable[..., Served]) -> Served:
        """Return a server with the extension."""
        return serve(PLUS_ONE, *self.options)

    def test_calls_are_answered(self, served: Served, runtime: Callable[..., Runtime]) -> None:
        """Many requests at a time get the results of the Tesseract."""
        payloads = [{"inputs": {"x": [float(n), 0.5]}} for n in range(32)]
        bare = runtime(PLUS_ONE)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda p: served.ask("/apply", json.dumps(p)), payloads))
        for payload, answer in zip(payloads, answers, strict=True):
            assert answer.status == 200, answer.body
            assert answer.headers["Tesseract-Run-Id"]
            assert answer.body == b"".join(bare.invoke(call_of(payload)).body)

    def test_refusals_stay_refusals(self, served: Served) -> None:
        """Wrong requests have the status and the details that they have without it."""
        for path, body, status in ANSWERS:
            answer = served.ask(path, body)
            assert (answer.status, "detail" in answer.json()) == (status, True), path

    def test_the_service_is_described(self, served: Served) -> None:
        """The extension is listed, nothing has failed, and OpenAPI has all endpoints."""
        assert served.ask("/health").status == 200
        assert {"/apply", "/health"} <= served.ask("/openapi.json").json()["paths"].keys()
        listing = served.ask("/plugins").json()
        provided = [p["provides"].get("server_extensions", ()) for p in listing["plugins"]]
        assert self.extension in [extension["name"] for each in provided for extension in each]
        assert (listing["faults"], listing["problems"]) == ([], [])
