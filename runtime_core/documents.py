"""Documents: payloads and results as bytes, with arrays spliced in beside the tree."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from runtime_core.buffers import PLACEHOLDER, joined
from runtime_core.catalog import loaded
from runtime_core.contracts import Buffer, DocumentCodec, Format
from runtime_core.errors import InvalidResult, TesseractRuntimeError, UnreadableDocument


def read(body: Buffer, format_: Format, *, noun: str = "payload") -> Any:
    """Return the tree of a document; `UnreadableDocument` says what is wrong with its bytes.

    `noun` is what messages call the document.
    """
    codec: DocumentCodec = loaded("Format", format_)
    try:
        return codec.loads(memoryview(body))
    # Libraries of formats have errors of their own for bytes that they cannot read.
    except Exception as error:
        raise UnreadableDocument(f"The {noun} is not valid {format_.name}: {error}") from None


def write(tree: Any, format_: Format, buffers: Mapping[str, memoryview]) -> Sequence[Buffer]:
    """Return the bytes of a tree whose arrays are placeholders for `buffers`."""
    codec: DocumentCodec = loaded("Format", format_)
    return list(joined(codec.dumps(tree, buffers)))


def tree_of(model: BaseModel, options: Mapping[str, Any]) -> Any:
    """Return the JSON-like tree of a model; `options` is its serialization context.

    Raises `InvalidResult` for a value that does not fit its field, which assignment can bring, and
    whatever the encoding of an array raises of the runtime's own errors.
    """
    try:
        return model.model_dump(mode="json", context=options, by_alias=True, warnings=False)
    except PydanticSerializationError as error:
        failure = options.get(_FAILURE)
        if isinstance(failure, TesseractRuntimeError):
            raise failure from None
        raise InvalidResult(f"The result cannot be written: {error}") from None


def keep_failure(error: TesseractRuntimeError, options: Any) -> None:
    """Keep an error for `tree_of`, as pydantic makes a text of what serializers raise."""
    if isinstance(options, MutableMapping):
        options[_FAILURE] = error


_FAILURE = "__failure"
"""The key of the serialization context that holds why an array could not be written."""


def splice(text: bytes, buffers: Mapping[str, memoryview]) -> list[Buffer]:
    """Return a text in pieces, with buffers in the place of their placeholders.

    >>> from runtime_core.buffers import Buffers
    >>> buffers = Buffers()
    >>> text = '{"x": "%s"}' % buffers.add(b"AAAA")
    >>> b"".join(splice(text.encode(), buffers))
    b'{"x": "AAAA"}'
    """
    if not buffers:
        return [text]
    pieces: list[Buffer] = []
    start = 0
    for match in PLACEHOLDER.finditer(text):
        buffer = buffers.get(match.group().decode("ascii"))
        if buffer is not None:
            pieces += [text[start : match.start()], buffer]
            start = match.end()
    return [*pieces, text[start:]]
