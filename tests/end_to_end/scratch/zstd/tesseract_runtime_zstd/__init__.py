"""The compressor `zstd`."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Compressor, deferred
from runtime_core.hookspecs import hookimpl


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide Zstandard."""
    yield Compressor(
        name="zstd",
        summary="Zstandard, RFC 8878.",
        load=deferred("tesseract_runtime_zstd.codec:ZstdCodec"),
    )
