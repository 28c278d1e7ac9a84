"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Compressor, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide the compressor."""
    yield Compressor(
        name="acme-example",
        summary="DEFLATE, RFC 1950.",
        load=lazy_call("acme_example.codec:Codec"),
    )
