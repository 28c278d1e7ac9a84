"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import CallWrapper, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def call_wrappers() -> Iterable[CallWrapper]:
    """Provide the call wrapper."""
    yield CallWrapper(
        name="acme-example",
        summary="Reports the size of payloads in a header.",
        wrap=lazy_call("acme_example.wrapper:wrap"),
    )
