"""Compressors of array buffers: the values of `data.compression`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runtime_core.contracts.calls import Buffer


class CompressionCodec(Protocol):
    """Packs and unpacks the bytes of one array."""

    def compress(self, data: memoryview) -> Buffer:
        """Compress `data`."""

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Decompress into `into`, without much further memory.

        Raises `ValueError` for damaged bytes, or unless they fill `into` exactly.
        """


@dataclass(frozen=True, kw_only=True)
class Compressor:
    """Declares a compressor under its name in documents."""

    name: str
    summary: str
    load: Callable[[], CompressionCodec]
