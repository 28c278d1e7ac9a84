"""Tests of the endpoint."""

from collections.abc import Callable

from runtime_core import Runtime
from runtime_core.testing import EndpointConformance


class TestEndpoint(EndpointConformance):
    """The endpoint does what every endpoint must do."""

    endpoint = "acme_example"
    payload = '{"inputs": {"x": [1.0, 2.0]}}'


def test_largest_element_is_found(runtime: Callable[..., Runtime]) -> None:
    """The result of a Tesseract that doubles `x` is summarized."""
    result = runtime().call("acme_example", {"inputs": {"x": [1.0, 3.0, 2.0]}})
    assert result.model_dump() == {"y": 6.0}
