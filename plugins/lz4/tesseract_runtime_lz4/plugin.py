"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Compressor, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide the compressor."""
    yield Compressor(
        name="lz4",
        summary="LZ4, frame format.",
        load=lazy_call("tesseract_runtime_lz4.codec:Lz4Codec"),
    )
