"""Documents as bytes: read trees, and write trees and models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from runtime_core.calls.scope import current
from runtime_core.contracts import Buffer, DocumentCodec, Format, InvalidSyntax
from runtime_core.documents.encoded_array import dumped, without_leaves
from runtime_core.errors import InvalidResult, PluginFailed, UnreadableDocument

if TYPE_CHECKING:
    from runtime_core.calls.codecs import Codecs


class Reader:
    """Reads documents of one format, within the limits of a configuration.

    With `views` a tree may have values that only array fields read: an `EncodedArray`, and
    memoryviews of the body for long base64 texts. `noun` is the word for a document in messages.
    """

    def __init__(
        self,
        codecs: Codecs,
        name: str,
        parameters: str = "",
        *,
        noun: str = "payload",
        views: bool = False,
    ) -> None:
        self._name = name
        self._codec = codecs.format(name, parameters)
        self._limits = replace(codecs.limits, views=views)
        self._noun = noun

    def __call__(self, body: Buffer) -> Any:
        """Return the tree of a body; `UnreadableDocument` if it does not follow the format."""
        try:
            tree = self._codec.loads(memoryview(body), self._limits)
        except PluginFailed:
            raise
        # The core's own codecs may raise anything for bytes that they cannot read.
        except Exception as error:
            message = f"The {self._noun} is not valid {self._name}: {error}"
            raise UnreadableDocument(message, _details(error, message)) from None
        return tree if self._limits.views else without_leaves(tree)


def read(body: Buffer, format_: Format, *, noun: str = "payload", views: bool = False) -> Any:
    """Return the tree of one document, as a `Reader` with the current configuration does."""
    return Reader(current().codecs, format_.name, noun=noun, views=views)(body)


def _details(error: Exception, message: str) -> Sequence[Mapping[str, Any]]:
    """Return the fault of a syntax error, in the form of FastAPI."""
    if not isinstance(error, InvalidSyntax):
        return ()
    kind, context = f"{error.language}_invalid", {"error": error.problem}
    return [{"type": kind, "loc": [error.position], "msg": message, "ctx": context}]


def write(tree: Any, format_: Format) -> Sequence[Buffer]:
    """Return the bytes of a tree, with the current configuration."""
    return pieces(tree, current().codecs.format(format_.name))


def pieces(tree: Any, codec: DocumentCodec) -> Sequence[Buffer]:
    """Return the bytes of a tree; large buffers of its arrays are not copied."""
    written = codec.dumps(tree)
    return written if len(written) == 1 else list(joined(written))


def tree_of(model: BaseModel, options: MutableMapping[str, Any]) -> Any:
    """Return the tree of a model; `options` is its serialization context.

    Raises `InvalidResult` for a value that does not fit its field, as after an assignment, and for
    bytes that are not text, and the runtime's own errors of array encodings.
    """
    try:
        return dumped(model.model_dump, options)
    except PydanticSerializationError as error:
        raise InvalidResult(f"The result cannot be written: {error}") from None
    except UnicodeError as error:
        raise InvalidResult(
            f"The result cannot be written: {error}. Declare such bytes as pydantic.Base64Bytes "
            "or as an array of uint8, or set ser_json_bytes='base64' in the model_config."
        ) from None


_SMALL = 1 << 16
"""Smaller pieces are joined: a copy costs less than another send."""


def joined(pieces: Iterable[Buffer]) -> Iterator[Buffer]:
    """Yield large pieces unchanged and runs of small ones as one.

    >>> list(joined([b"a", b"b"]))
    [b'ab']
    """
    for small, run in groupby(pieces, key=lambda piece: memoryview(piece).nbytes < _SMALL):
        if small:
            yield b"".join(run)
        else:
            yield from run
