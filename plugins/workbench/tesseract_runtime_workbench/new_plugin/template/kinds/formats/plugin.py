"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format."""
    yield Format(
        name="acme-example",
        summary="JSON that ends with a line feed.",
        media_types=("application/x-acme-example",),
        suffixes=(".acme-example",),
        array_encoding="base64",
        load=lazy_call("acme_example.codec:Codec"),
    )
