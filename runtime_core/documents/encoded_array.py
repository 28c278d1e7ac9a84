"""The arrays of a tree: from what pydantic dumps to leaves, and from leaves to mappings.

A dump to JSON passes no foreign object, but text unchanged. While a model is dumped, a token stands
in the document of an array for its bytes; nothing but user code that is called there sees it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError

from runtime_core.contracts import ArraySpec, Buffer, EncodedArray
from runtime_core.errors import TesseractRuntimeError

if TYPE_CHECKING:
    import numpy as np

    DTypes = Mapping[str, np.dtype[Any]]

_COLLECTED = "__arrays"
"""The key of the serialization context that holds the arrays of the document being dumped."""

_SCALARS = frozenset({int, float, bool, type(None)})


def dumped(dump: Callable[..., Any], options: MutableMapping[str, Any]) -> Any:
    """Return the tree that a dump function of pydantic gives, with arrays of bytes as leaves.

    Raises what the function raises, or the runtime's own error behind it.
    """
    collected = options[_COLLECTED] = _CollectedArrays()
    untyped = partial(_untyped, options)
    try:
        tree = dump(mode="json", context=options, by_alias=True, warnings=False, fallback=untyped)
    except PydanticSerializationError:
        if collected.failure is not None:
            raise collected.failure from None
        raise
    finally:
        del options[_COLLECTED]
    return collected.with_leaves(tree)


def _untyped(options: Any, value: Any) -> Any:
    """Return the document of an array in a place without a type."""
    from runtime_core.arrays.untyped import written  # few documents have one, and it loads numpy

    return written(value, options)


def dumped_buffer(buffer: Any, options: Any) -> Any:
    """Return the token of an array's bytes-like buffer for a serializer, or the buffer itself.

    `options` is the serialization context, which has no place for buffers outside of `dumped`.
    """
    collected = options.get(_COLLECTED) if options else None
    if collected is None or not isinstance(buffer, Buffer):
        return buffer
    return collected.token(buffer)


def keep_failure(error: TesseractRuntimeError, options: Any) -> None:
    """Keep an error for `dumped`: pydantic turns exceptions of serializers into text."""
    collected = options.get(_COLLECTED) if options else None
    if collected is not None:
        collected.failure = error


class _CollectedArrays:
    """The buffers of the arrays of one dump by token, and the error of one that failed.

    Tokens begin with 128 random bits, so that no text of a user can hold one.
    """

    def __init__(self) -> None:
        self.failure: TesseractRuntimeError | None = None
        self._buffers: dict[str, Buffer] = {}

    @cached_property
    def _prefix(self) -> str:
        return os.urandom(16).hex()

    def token(self, buffer: Buffer) -> str:
        """Return the token of a buffer."""
        token = f"{self._prefix}{len(self._buffers):016x}"  # none is the beginning of another
        self._buffers[token] = buffer
        return token

    def with_leaves(self, tree: Any) -> Any:
        """Return a dumped tree, changed in place, with an `EncodedArray` for each array of bytes.

        Arrays as numbers stay mappings: a small document needs no second walk.
        """
        if not self._buffers:
            return tree
        from runtime_core.arrays.dtypes import DTYPES  # other documents can do without numpy

        return self._filled(tree, DTYPES)

    def _filled(self, node: Any, dtypes: DTypes) -> Any:
        kind = type(node)
        if kind is str:
            return self._with_buffers(node)
        if kind is dict:
            array = self._array(node, dtypes) if "data" in node else None
            if array is not None:
                return array
            for key, value in node.items():
                if type(value) not in _SCALARS:
                    node[key] = self._filled(value, dtypes)
        elif kind is list and not _SCALARS.issuperset(map(type, node)):
            node[:] = [self._filled(item, dtypes) for item in node]
        return node

    def _array(self, node: Mapping[str, Any], dtypes: DTypes) -> EncodedArray | None:
        """Return the array of a mapping, or `None` where user code has changed its document."""
        try:
            data = dict(node["data"])
            token = data.pop("buffer")
            spec = ArraySpec(shape=tuple(node["shape"]), dtype=dtypes[node["dtype"]])
            array = EncodedArray(spec, data, self._buffers[token])
        except (KeyError, TypeError, ValueError):
            return None
        same = [*array.document(token).items()] == [*node.items()] and "encoding" in data
        return array if same else None

    def _with_buffers(self, text: str) -> Any:
        """Return the buffer of a token; in a longer text of user code buffers are text too."""
        if text in self._buffers:
            return self._buffers[text]
        if self._prefix in text:
            for token, buffer in self._buffers.items():
                text = text.replace(token, str(buffer, "ascii", "replace"))
        return text


def without_leaves(tree: Any) -> Any:
    """Return a tree, changed in place, with a mapping in the place of each `EncodedArray`."""
    kind = type(tree)
    if kind is EncodedArray:
        return tree.document(tree.buffer)
    if kind is dict:
        for key, value in tree.items():
            if type(value) in _PARENTS:
                tree[key] = without_leaves(value)
    elif kind is list and not _PARENTS.isdisjoint(map(type, tree)):
        tree[:] = map(without_leaves, tree)
    return tree


_PARENTS = frozenset({dict, list, EncodedArray})
