"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Settings, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the options: `config.section("acme_example")`."""
    yield Settings(
        name="acme_example",
        summary="How acme-example works.",
        load=lazy_object("acme_example.options:Options"),
    )
