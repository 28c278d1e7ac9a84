"""LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md)."""

from __future__ import annotations

from collections.abc import Iterator

import lz4.frame

from runtime_core.contracts import Buffer

# Bytes that are read and unpacked at a time: the library copies input that it has not used yet.
_PACKED_CHUNK = 1 << 16
_CHUNK = 1 << 20


class Lz4Codec:
    """Compresses bytes into one frame, and unpacks a frame into no more than the expected size."""

    def compress(self, data: memoryview) -> Buffer:
        """Return one frame."""
        packed: bytes = lz4.frame.compress(data)
        return packed

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into` from one frame; `ValueError` for a damaged one or any other size."""
        filled = 0
        try:
            for piece in _pieces(data):
                if filled + len(piece) > len(into):
                    raise ValueError(f"it unpacks to more than the {len(into)} bytes of the array")
                into[filled : filled + len(piece)] = piece
                filled += len(piece)
        except (RuntimeError, EOFError) as error:
            raise ValueError(f"it is not a valid lz4 frame: {error}") from None
        if filled != len(into):
            raise ValueError(f"it unpacks to {filled} bytes, not to the {len(into)} of the array")


def _pieces(data: memoryview) -> Iterator[bytes]:
    """Unpack a frame in pieces; `data` must be exactly one frame."""
    stream = lz4.frame.LZ4FrameDecompressor()
    for start in range(0, len(data), _PACKED_CHUNK):
        if stream.eof:
            raise ValueError("there are bytes after the lz4 frame")
        piece = stream.decompress(data[start : start + _PACKED_CHUNK], max_length=_CHUNK)
        while piece:
            yield piece
            piece = b"" if stream.eof else stream.decompress(b"", max_length=_CHUNK)
    if not stream.eof:
        raise ValueError("the lz4 frame is not complete")
    if stream.unused_data:
        raise ValueError("there are bytes after the lz4 frame")
