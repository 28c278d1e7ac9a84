"""Document formats: how a whole payload or result becomes bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_core.contracts.calls import Buffer


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """How much the tree of a document may hold, and what its reader can take.

    `items` of lists and maps in all, `depth` levels of them inside each other. With `views`, the
    long base64 text of an array may be a memoryview of the body, as only array fields read it.
    """

    items: int
    depth: int = 200
    views: bool = False


class DocumentCodec(Protocol):
    """Turns trees into bytes and back.

    A tree is what JSON has, with an `EncodedArray` for each array that is written as bytes. Arrays
    as numbers, and documents that user code has changed, are mappings; the buffer of the latter may
    be bytes-like.
    """

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Return the tree of a document; memoryviews of `body` may stand for buffers.

        Arrays may be mappings, as in JSON, or an `EncodedArray`. Raises `ValueError` for bytes that
        do not follow the format, or exceed the limits.
        """

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Return the bytes of a document as a sequence of buffers, large ones not copied."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """Declares a document format: the values of `-f`, `Accept` and `Content-Type`.

    `suffixes` (with the dot) choose the reader of `@file` and name result files; `array_encoding`
    is the encoding in which arrays are written.
    """

    name: str
    summary: str
    media_types: Sequence[str]
    suffixes: Sequence[str]
    array_encoding: str
    load: Callable[[], DocumentCodec]
