"""The core's own endpoints and server extensions do what all of their kind must do."""

from __future__ import annotations

from runtime_core.testing import EndpointConformance, ServerExtensionConformance


class TestApply(EndpointConformance):
    """The endpoint apply."""

    endpoint = "apply"
    payload = '{"inputs": {"x": [1.0, 2.0]}}'


class TestAccessLog(ServerExtensionConformance):
    """The extension access-log, beside all others."""

    extension = "access-log"
