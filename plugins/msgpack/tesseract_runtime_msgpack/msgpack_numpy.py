"""Arrays of the package msgpack-numpy, converted to array documents.

An array is `{nd: true, type: "<f8", kind: "", shape: [2], data: BIN}`, a scalar
`{nd: false, type: "<f8", data: BIN}`; keys may be strings or bytes. Arrays of objects are pickles
and are never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KEYS = frozenset({"nd", "type", "kind", "shape", "data"})


def array_document(items: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an array of msgpack-numpy to an array document; return any other items unchanged.

    Raises `ValueError` for an array of anything but plain numbers.
    """
    if not (items.keys() <= _KEYS and isinstance(items.get("data"), memoryview)):
        return dict(items)
    import numpy as np  # only such arrays need it

    kind, name = _short_text(items.get("kind", "")), _short_text(items.get("type"))
    if kind:
        raise ValueError(f"an array of msgpack-numpy of kind {kind!r} is refused")
    if not _NUMBERS.fullmatch(name):
        raise ValueError(f"an array of msgpack-numpy has the unknown type {name!r}")
    dtype, data = np.dtype(name), items["data"]
    if dtype.byteorder == ">":
        data = memoryview(np.frombuffer(data, dtype).astype(dtype.newbyteorder("<")).tobytes())
    shape = items.get("shape", [])
    if not isinstance(shape, list):
        raise ValueError("an array of msgpack-numpy has a shape that is not a list")
    return {"shape": shape, "dtype": dtype.name, "data": {"buffer": data, "encoding": "raw"}}


def _short_text(value: Any) -> str:
    if isinstance(value, memoryview):
        return str(value[:20], "utf-8", "replace")
    return value[:20] if isinstance(value, str) else "that is not a string"


_NUMBERS = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|c8|c16)")
