"""An endpoint that fails for every file."""

from collections.abc import Iterable

from runtime_core.contracts import Binding, BoundEndpoint, Endpoint
from runtime_core.hookspecs import hookimpl


def bind(binding: Binding) -> BoundEndpoint:
    """Fail."""
    raise RuntimeError("the moon is in the wrong phase")


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide the endpoint."""
    yield Endpoint(name="tide", summary="Tell the tide.", bind=bind)
