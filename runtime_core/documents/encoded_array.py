"""The arrays of a tree: from what pydantic dumps to leaves, and from leaves to mappings.

A dump to JSON passes no foreign object, but text as it is. While a model is dumped, a token stands
in the document of an array for its bytes; nothing but user code that is called there sees it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError

from runtime_core.contracts import ArraySpec, Buffer, EncodedArray
from runtime_core.errors import TesseractRuntimeError

if TYPE_CHECKING:
    import numpy as np

    DTypes = Mapping[str, np.dtype[Any]]

_COLLECTED = "__arrays"
"""The key of the serialization context that holds the arrays of the document being dumped."""

_INTEGERS = frozenset({int})
_SCALARS = frozenset({int, float, bool, type(None)})


def dumped(dump: Callable[..., Any], options: MutableMapping[str, Any]) -> Any:
    """Return the tree that one of pydantic's functions dumps, with its arrays as leaves.

    Raises what it raises, or the error of the runtime that it would make a text of.
    """
    collected = options[_COLLECTED] = _CollectedArrays()
    try:
        tree = dump(mode="json", context=options, by_alias=True, warnings=False)
    except PydanticSerializationError:
        if collected.failure is not None:
            raise collected.failure from None
        raise
    finally:
        del options[_COLLECTED]
    return collected.with_leaves(tree)


def dumped_buffer(buffer: Any, options: Any) -> Any:
    """Return what a serializer puts in the place of an array's buffer: a token, or the buffer.

    `options` is the serialization context, which has no place for buffers outside of `dumped`.
    """
    collected = options.get(_COLLECTED) if options else None
    return buffer if collected is None else collected.token(buffer)


def keep_failure(error: TesseractRuntimeError, options: Any) -> None:
    """Keep an error for `dumped`, as pydantic makes a text of what serializers raise."""
    collected = options.get(_COLLECTED) if options else None
    if collected is not None:
        collected.failure = error


class _CollectedArrays:
    """The buffers of the arrays of one dump by token, and why one could not be written.

    Tokens begin with 128 random bits, so that no text of a user can hold one.
    """

    def __init__(self) -> None:
        self.failure: TesseractRuntimeError | None = None
        self._has_arrays = False
        self._buffers: dict[str, Buffer] = {}

    @cached_property
    def _prefix(self) -> str:
        return os.urandom(16).hex()

    def token(self, buffer: Any) -> Any:
        """Return the token of a bytes-like buffer, and any other as it is."""
        self._has_arrays = True
        if not isinstance(buffer, Buffer):
            return buffer
        token = f"{self._prefix}{len(self._buffers):016x}"  # none is the beginning of another
        self._buffers[token] = buffer
        return token

    def with_leaves(self, tree: Any) -> Any:
        """Return a dumped tree, changed in place, with an `EncodedArray` for each array."""
        if not self._has_arrays:
            return tree
        from runtime_core.arrays.dtypes import DTYPES  # other documents can do without numpy

        return self._filled(tree, DTYPES)

    def _filled(self, node: Any, dtypes: DTypes) -> Any:
        kind = type(node)
        if kind is str:
            return self._with_buffers(node)
        if kind is dict:
            if _is_array(node, dtypes):
                return self._leaf(node, dtypes)
            for key, value in node.items():
                if type(value) not in _SCALARS:
                    node[key] = self._filled(value, dtypes)
        elif kind is list and not _SCALARS.issuperset(map(type, node)):
            node[:] = [self._filled(item, dtypes) for item in node]
        return node

    def _leaf(self, node: Mapping[str, Any], dtypes: DTypes) -> EncodedArray:
        data = node["data"]
        buffer = data.pop("buffer")
        spec = ArraySpec(shape=tuple(node["shape"]), dtype=dtypes[node["dtype"]])
        filled = self._with_buffers(buffer) if type(buffer) is str else buffer
        return EncodedArray(spec, data, filled)

    def _with_buffers(self, text: str) -> Any:
        """Return the buffer of a token; in a longer text of user code buffers are text too."""
        if text in self._buffers:
            return self._buffers[text]
        if self._buffers and self._prefix in text:
            for token, buffer in self._buffers.items():
                text = text.replace(token, str(buffer, "ascii", "replace"))
        return text


def _is_array(node: Mapping[str, Any], dtypes: DTypes) -> bool:
    """Say whether a dumped mapping is just what an array is dumped as.

    What user code has changed on its way, and will not be read as an array, is left alone.
    """
    data = node.get("data")
    return (
        type(data) is dict
        and tuple(node) == ("object_type", "shape", "dtype", "data")
        and tuple(data)[:2] == ("buffer", "encoding")
        and type(data["buffer"]) is not dict
        and node["object_type"] == "array"
        and type(node["dtype"]) is str
        and node["dtype"] in dtypes
        and type(node["shape"]) is list
        and _INTEGERS.issuperset(map(type, node["shape"]))
        and min(node["shape"], default=0) >= 0
    )


def without_leaves(tree: Any) -> Any:
    """Return a tree, changed in place, with the mapping of each `EncodedArray` in its place."""
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
