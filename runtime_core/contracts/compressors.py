"""Compressors of array buffers: the values of `data.compression`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runtime_core.contracts.calls import Buffer

if TYPE_CHECKING:
    from runtime_core.contracts.encodings import ArraySpec


class CompressionCodec(Protocol):
    """Packs and unpacks the bytes of one array.

    Both methods may name the keyword `spec`, the `ArraySpec` of the bytes. Their further
    keyword-only parameters are the options of the compressor, as `level` in `acme:level=9`: each
    has a default, and values of the type of its annotation, such as
    `Annotated[int, Field(ge=0, le=9)]`, or else of its default. Documents have those that
    `decompress` names, so that a reader unpacks with the values of the writer.
    """

    @property
    def compress(self) -> Callable[..., Buffer]:
        """Compress `data`, a memoryview."""

    @property
    def decompress(self) -> Callable[..., None]:
        """Decompress `data` into `into`, both memoryviews, without much further memory.

        Raises `ValueError` for damaged bytes, or unless they fill `into` exactly.
        """


@dataclass(frozen=True, kw_only=True)
class BoundCompressor:
    """A compressor with its options; `name` is that in documents, with the options for reading."""

    name: str
    compress: Callable[[memoryview, ArraySpec], Buffer]
    decompress: Callable[[memoryview, memoryview, ArraySpec], None]


@dataclass(frozen=True, kw_only=True)
class Compressor:
    """Declares a compressor under its name in documents.

    `load` may name the `context`, a `CodecContext`.
    """

    name: str
    summary: str
    load: Callable[..., CompressionCodec]
