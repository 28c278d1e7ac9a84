"""The compressor `zlib`: DEFLATE in the framing of RFC 1950."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from runtime_core.contracts import Compressor
from runtime_core.hookspecs import hookimpl


class ZlibCodec:
    """Packs bytes; unpacks exactly as many as there should be."""

    def compress(self, data: memoryview) -> bytes:
        """Return `data` in compressed form."""
        return zlib.compress(data)

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into`; not more than one byte beyond it is ever unpacked."""
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, len(into) + 1)
        except zlib.error as error:
            raise ValueError(f"not zlib: {error}") from None
        if len(plain) != len(into) or not stream.eof or stream.unused_data:
            raise ValueError(f"the compressed bytes do not unpack to exactly {len(into)}")
        into[:] = plain


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide zlib."""
    yield Compressor(name="zlib", summary="DEFLATE, RFC 1950.", load=ZlibCodec)
