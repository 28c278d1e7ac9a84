"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import ServerExtension, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the server extension."""
    yield ServerExtension(
        name="acme-example",
        summary="GET /acme-example: the name of the Tesseract.",
        build=lazy_call("acme_example.extension:build"),
    )
