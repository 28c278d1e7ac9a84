"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Command, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command."""
    yield Command(
        name="acme-example",
        summary="Print the name of the Tesseract.",
        load=lazy_object("acme_example.command:command"),
    )
