"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Endpoint, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide the endpoint."""
    yield Endpoint(
        name="acme_example",
        summary="Apply, and return the largest element of each array.",
        bind=lazy_call("acme_example.endpoint:bind"),
    )
