"""The conformance suite on the extension."""

from __future__ import annotations

from runtime_core.testing import ServerExtensionConformance


class TestPrometheus(ServerExtensionConformance):
    """A server that counts its calls answers as one that does not."""

    extension = "prometheus"
