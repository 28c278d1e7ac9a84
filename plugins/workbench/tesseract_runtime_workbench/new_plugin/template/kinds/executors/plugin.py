"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import ExecutorProvider, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def executors() -> Iterable[ExecutorProvider]:
    """Provide the executor."""
    yield ExecutorProvider(
        name="acme-example",
        summary="A pool of processes of the standard library.",
        schemes=("acme-example",),
        open=lazy_call("acme_example.executor:open_pool"),
    )
