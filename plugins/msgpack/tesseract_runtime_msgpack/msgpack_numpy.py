"""Arrays as the package msgpack-numpy writes them, read as array documents.

An array is `{nd: true, type: "<f8", kind: "", shape: [2], data: BIN}`, a scalar
`{nd: false, type: "<f8", data: BIN}`; keys may be strings or bytes. Those of objects are pickles
and are never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KEYS = frozenset({"nd", "type", "kind", "shape", "data"})


def array_document(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the array document of what may be an array of msgpack-numpy, else the items.

    Raises `ValueError` for one of a data type that is not of plain numbers.
    """
    if not (items.keys() <= _KEYS and isinstance(items.get("data"), memoryview)):
        return dict(items)
    import numpy as np  # only who is sent such arrays needs it

    dtype = np.dtype(_type(items))
    data = items["data"]
    if dtype.byteorder == ">":
        data = memoryview(np.frombuffer(data, dtype).astype(dtype.newbyteorder("<")).tobytes())
    return {
        "shape": _shape(items),
        "dtype": dtype.name,
        "data": {"buffer": data, "encoding": "raw"},
    }


def _type(items: Mapping[str, Any]) -> str:
    """Return the type of the elements if they are plain numbers."""
    kind, name = _text(items.get("kind", "")), _text(items.get("type"))
    if kind:
        raise ValueError(f"an array of msgpack-numpy of kind {kind!r} is refused")
    if not _NUMBERS.fullmatch(name):
        raise ValueError(f"an array of msgpack-numpy has the unknown type {name!r}")
    return name


def _shape(items: Mapping[str, Any]) -> list[int]:
    shape = items.get("shape", [])
    if not isinstance(shape, list):
        raise ValueError("an array of msgpack-numpy has a shape that is no list")
    return shape


def _text(value: Any) -> str:
    """Return the beginning of a text, which may be bytes."""
    if isinstance(value, memoryview):
        return str(value[:_SHOWN], "utf-8", "replace")
    return value[:_SHOWN] if isinstance(value, str) else "that is no text"


_SHOWN = 20
_NUMBERS = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|c8|c16)")
