"""Frames of Zstandard (RFC 8878)."""

from __future__ import annotations

import zstandard

_WINDOW = 2**23
"""The largest window that is read, which takes as much memory: what RFC 8878 recommends."""

_PACKED = 256
"""So many bytes are unpacked at a time: they are 85 blocks of 128 KiB at most."""


class ZstdCodec:
    """Packs bytes into one frame; unpacks exactly as many as there should be."""

    def compress(self, data: memoryview) -> bytes:
        """Return one frame."""
        return zstandard.ZstdCompressor(write_checksum=True).compress(data)

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into` from one frame."""
        stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        filled = read = 0
        while read < len(data) and not stream.eof:
            piece = _unpacked(stream, data[read : read + _PACKED])
            read += _PACKED
            if filled + len(piece) > len(into):
                raise ValueError(f"it unpacks to more than {len(into)} bytes")
            into[filled : filled + len(piece)] = piece
            filled += len(piece)
        if not stream.eof or filled != len(into):
            raise ValueError(f"the frame of zstd ends after {filled} of {len(into)} bytes")
        if read < len(data) or stream.unused_data:
            raise ValueError("there are bytes after the frame of zstd")


def _unpacked(stream: zstandard.ZstdDecompressionObj, packed: memoryview) -> bytes:
    try:
        return stream.decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(f"it is not a valid frame of zstd: {error}") from None
