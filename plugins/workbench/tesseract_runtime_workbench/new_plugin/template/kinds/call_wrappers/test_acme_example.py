"""Tests of the call wrapper."""

from collections.abc import Callable

from runtime_core.testing import CallWrapperConformance, Served


class TestCallWrapper(CallWrapperConformance):
    """The call wrapper does what every call wrapper must do."""

    wrapper = "acme-example"


def test_header_has_the_size(serve: Callable[..., Served]) -> None:
    """An answer over HTTP has the number of bytes of its request."""
    payload = '{"inputs": {"x": [1]}}'
    answer = serve().ask("/apply", payload)
    assert answer.headers["Acme-Example"] == str(len(payload))
