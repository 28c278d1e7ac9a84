"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import RunSink, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def run_sinks() -> Iterable[RunSink]:
    """Provide the run sink."""
    yield RunSink(
        name="acme-example",
        summary="Metrics as lines of JSON, in files of a folder.",
        schemes=("acme-example",),
        open=lazy_call("acme_example.sink:OpenRun"),
    )
