"""Compressors of array buffers: the values of `data.compression`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runtime_core.contracts.calls import Buffer


class CompressionCodec(Protocol):
    """Packs and unpacks the bytes of one array."""

    def compress(self, data: memoryview) -> Buffer:
        """Return `data` in compressed form."""

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Fill `into` exactly and take little more memory than that.

        Raises `ValueError` for bytes that are damaged, or that unpack to more or less.
        """


@dataclass(frozen=True, kw_only=True)
class Compressor:
    """Declares a compressor under the name that documents carry."""

    name: str
    summary: str
    load: Callable[[], CompressionCodec]
