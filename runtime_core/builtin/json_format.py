"""The document formats of JSON (RFC 8259), with their arrays as numbers or as base64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from mmap import mmap
from typing import Any

from pydantic_core import from_json, to_json

from runtime_core.contracts import Buffer
from runtime_core.documents import splice
from runtime_core.lifting import LiftedTexts
from runtime_core.scope import current


class JsonDocumentCodec:
    """Reads and writes JSON; NaN and infinities are written as strings, and read as tokens too."""

    def loads(self, body: memoryview) -> Any:
        """Return the tree of a JSON text; integers of any size are exact.

        Raises `ValueError` for a text that is no JSON, or of more items than the configuration
        allows: parsed, each takes many times the memory of its text.
        """
        text = _text(body, current().lifted)
        _refuse_many_items(text, current().config.max_json_items)
        return from_json(text)

    def dumps(self, tree: Any, buffers: Mapping[str, memoryview]) -> Sequence[Buffer]:
        """Return compact JSON, with buffers spliced into their strings."""
        return splice(to_json(tree, inf_nan_mode="strings"), buffers)


def _refuse_many_items(text: bytes | bytearray, most: int) -> None:
    if len(text) <= most:
        return
    items = sum(map(text.count, _SEPARATORS))
    if items > most:
        raise ValueError(
            f"it has about {items} items, more than the {most} of --max-json-items; send arrays "
            "as base64 or in a binary format"
        )


_SEPARATORS = (b",", b"[", b"{")
"""What stands before every item, so that nothing needs to be parsed to count them."""


def _text(body: memoryview, lifted: LiftedTexts | None) -> bytes | bytearray:
    """Return the text of a body; pydantic takes no views, so that what is lifted spares a copy."""
    owner = body.obj
    if not isinstance(owner, bytes | bytearray | mmap) or len(owner) != body.nbytes:
        return bytes(body)
    if lifted is not None:
        return lifted.lift(owner)
    return bytes(owner) if isinstance(owner, mmap) else owner
