"""LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md)."""

from __future__ import annotations

from collections.abc import Iterator

import lz4.frame

from runtime_core.contracts import Buffer

_PACKED_CHUNK = 1 << 16
_CHUNK = 1 << 20
"""So many bytes are read and unpacked at a time: the library copies what it has not used yet."""


class Lz4Codec:
    """Compresses bytes into one frame, and reads no more of a frame than is expected."""

    def compress(self, data: memoryview) -> Buffer:
        """Return one frame."""
        packed: bytes = lz4.frame.compress(data)
        return packed

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into` from one frame; `ValueError` for a damaged one or any other size."""
        stream = lz4.frame.LZ4FrameDecompressor()
        filled = 0
        for piece in _pieces(stream, data):
            if filled + len(piece) > len(into):
                raise ValueError(f"it unpacks to more than the {len(into)} bytes of the array")
            into[filled : filled + len(piece)] = piece
            filled += len(piece)
        if filled != len(into):
            raise ValueError(f"it unpacks to {filled} bytes, not to the {len(into)} of the array")


def _pieces(stream: lz4.frame.LZ4FrameDecompressor, data: memoryview) -> Iterator[bytes]:
    """Yield what a frame unpacks to; `data` must be that frame and nothing else."""
    for start in range(0, len(data), _PACKED_CHUNK):
        if stream.eof:
            raise ValueError("there are bytes after the lz4 frame")
        piece = _unpacked(stream, data[start : start + _PACKED_CHUNK])
        while piece:
            yield piece
            piece = b"" if stream.eof else _unpacked(stream, b"")
    if not stream.eof:
        raise ValueError("the lz4 frame is not complete")
    if stream.unused_data:
        raise ValueError("there are bytes after the lz4 frame")


def _unpacked(stream: lz4.frame.LZ4FrameDecompressor, packed: memoryview | bytes) -> bytes:
    try:
        piece: bytes = stream.decompress(packed, max_length=_CHUNK)
    except (RuntimeError, EOFError) as error:
        raise ValueError(f"it is no lz4 frame: {error}") from None
    return piece
