"""The compressor `zstd`."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Compressor, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide Zstandard."""
    yield Compressor(
        name="zstd",
        summary="Zstandard, RFC 8878.",
        load=lazy_call("tesseract_runtime_zstd.codec:ZstdCodec"),
    )
