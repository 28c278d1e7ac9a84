"""The codec of the compressor."""

import zlib

PIECE = 1 << 20
"""Bytes that are unpacked at a time."""


class Codec:
    """Compresses and decompresses the bytes of an array."""

    def compress(self, data: memoryview) -> bytes:
        """Compress bytes."""
        return zlib.compress(data)

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into` exactly, or raise `ValueError`; little further memory is used."""
        stream, rest, size = zlib.decompressobj(), bytes(data), 0
        try:
            while piece := stream.decompress(rest, PIECE):
                if size + len(piece) > len(into):
                    raise ValueError(f"more than {len(into)} bytes")
                into[size : size + len(piece)] = piece
                rest, size = stream.unconsumed_tail, size + len(piece)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if size != len(into) or not stream.eof or stream.unused_data:
            raise ValueError(f"{size} bytes, or a damaged end, instead of {len(into)} bytes")
