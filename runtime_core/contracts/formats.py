"""Document formats: how a whole payload or result becomes bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_core.contracts.calls import Buffer


class DocumentCodec(Protocol):
    """Turns a JSON-like tree into bytes and back; never sees an array."""

    def loads(self, body: memoryview) -> Any:
        """Return the tree of a document; memoryviews into `body` may stand for buffers.

        Raises `ValueError` for bytes that do not follow the format.
        """

    def dumps(self, tree: Any, buffers: Mapping[str, memoryview]) -> Sequence[Buffer]:
        """Return the bytes of a document as a sequence of buffers.

        Wherever a string of the tree is a key of `buffers`, that buffer stands in its place.
        """


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
