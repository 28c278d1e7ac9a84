"""Document formats: the serialization of payloads and results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_core.contracts.calls import Buffer
from runtime_core.contracts.codecs import ReadingLimits


class InvalidSyntax(ValueError):
    """A document breaks the syntax of its language at a byte; codecs may raise it.

    `problem` has no position; `language` names the type of the fault, for instance `json_invalid`.
    """

    def __init__(self, message: str, *, language: str, problem: str, position: int) -> None:
        super().__init__(message)
        self.language = language
        self.problem = problem
        self.position = position


class DocumentCodec(Protocol):
    """Writes and reads trees.

    A tree has the types of JSON, and an `EncodedArray` for each array that is written as bytes.
    Arrays as numbers, and documents that user code has changed, are mappings; the buffer of the
    latter may be bytes-like.
    """

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Read the tree of a document, whose buffers may be memoryviews of `body`.

        Arrays may be mappings, as in JSON, or `EncodedArray`s. Memoryviews outside of them must
        have the format `c`, as bytes are not numbers. Raises `ValueError` for bytes that do not
        follow the format or exceed the limits.
        """

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Write a document as a sequence of buffers, without copying large ones."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """Declares a document format: the values of `-f`, `Accept` and `Content-Type`.

    `suffixes`, with their dots, select the format of `@file` and name result files.
    `array_encoding` is the encoding of arrays, or with `any_encoding` the default one. `parameters`
    are the names of those parameters of the media types that the codec takes. `load` may name the
    `context`, a `CodecContext`, and raise `ValueError` for a wrong parameter.
    """

    name: str
    summary: str
    media_types: Sequence[str]
    suffixes: Sequence[str]
    array_encoding: str
    load: Callable[..., DocumentCodec]
    any_encoding: bool = False
    parameters: Sequence[str] = ()
