"""Arrays as the package msgpack-numpy writes them, read as array documents.

An array is `{nd: true, type: "<f8", kind: "", shape: [2], data: BIN}`, a scalar
`{nd: false, type: "<f8", data: BIN}`; keys may be strings or bytes. Those of objects are pickles
and are never read.
"""

from __future__ import annotations

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

    dtype = _dtype(items)
    data = items["data"]
    if dtype.byteorder == ">":
        data = memoryview(np.frombuffer(data, dtype).astype(dtype.newbyteorder("<")).tobytes())
    return {
        "shape": list(items.get("shape", ())),
        "dtype": dtype.name,
        "data": {"buffer": data, "encoding": "raw"},
    }


def _dtype(items: Mapping[str, Any]) -> Any:
    import numpy as np

    kind, name = items.get("kind", ""), items["type"]
    if kind not in ("", b"") or not isinstance(name, str):
        raise ValueError(f"an array of msgpack-numpy of kind {bytes(kind).decode()!r} is refused")
    try:
        return np.dtype(name)
    except TypeError:
        raise ValueError(f"an array of msgpack-numpy has the unknown type {name[:60]!r}") from None
