"""Tests of the server extension."""

from collections.abc import Callable

from runtime_core.testing import Served, ServerExtensionConformance


class TestServerExtension(ServerExtensionConformance):
    """The server extension does what every server extension must do."""

    extension = "acme-example"


def test_route_is_served(serve: Callable[..., Served]) -> None:
    """The route has the name of the Tesseract."""
    assert serve().ask("/acme-example").json().keys() == {"name"}
