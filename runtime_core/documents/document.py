"""Documents as bytes: read trees, and write trees and models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from runtime_core.calls.scope import current
from runtime_core.contracts import Buffer, Format, InvalidSyntax, ReadingLimits
from runtime_core.documents.encoded_array import dumped, without_leaves
from runtime_core.errors import InvalidResult, PluginFailed, UnreadableDocument


def read(body: Buffer, format_: Format, *, noun: str = "payload", views: bool = False) -> Any:
    """Return the tree of a document within the limits of the current configuration.

    With `views` it may have values that only array fields read: an `EncodedArray`, and memoryviews
    of `body` for long base64 texts. Raises `UnreadableDocument` for bytes that do not follow the
    format; `noun` is the word for the document in messages.
    """
    codec = format_.load()
    try:
        tree = codec.loads(memoryview(body), _limits(current().config.max_json_items, views))
    except PluginFailed:
        raise
    # The core's own codecs may raise anything for bytes that they cannot read.
    except Exception as error:
        message = f"The {noun} is not valid {format_.name}: {error}"
        raise UnreadableDocument(message, _details(error, message)) from None
    return tree if views else without_leaves(tree)


def _details(error: Exception, message: str) -> Sequence[Mapping[str, Any]]:
    """Return the fault of a syntax error, in the form of FastAPI."""
    if not isinstance(error, InvalidSyntax):
        return ()
    kind, context = f"{error.language}_invalid", {"error": error.problem}
    return [{"type": kind, "loc": [error.position], "msg": message, "ctx": context}]


@cache  # there are few configurations in a process, and a call should not make it again
def _limits(items: int, views: bool) -> ReadingLimits:
    return ReadingLimits(items=items, views=views)


def write(tree: Any, format_: Format) -> Sequence[Buffer]:
    """Return the bytes of a tree; large buffers of its arrays are not copied."""
    return list(joined(format_.load().dumps(tree)))


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
