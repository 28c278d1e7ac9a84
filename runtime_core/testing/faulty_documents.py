"""What documents of arrays must not say, each fault under a name for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime_core.testing.echo import MOST_JSON_ITEMS

WRONG_SHAPES: Mapping[str, Any] = {
    "longer": [5],
    "other rank": [3, 2],
    "negative": [-4],
    "negative twice": [-2, -2],
    "beyond memory": [2**40],
    "largest": [2**63 - 1],
    "product beyond 64 bits": [2**31, 2**31, 2**31],
    "nothing of much": [2**62, 2**62, 0],
    "65 dimensions": [1] * 64 + [4],
    "many dimensions": [1] * 100_000,
    "fraction": [4.5],
    "float": [4.0],
    "text": ["4"],
    "truth": [True],
    "no list": 4,
    "nested": [[4]],
    "null": None,
}
"""What the shape of an array of four numbers is not."""

SHORTER_SHAPES: Mapping[str, Any] = {"shorter": [3], "none": [0], "rank 0": []}
"""Shapes of fewer than four numbers."""

WRONG_DTYPES: Mapping[str, Any] = {
    "other kind": "complex64",
    "unknown": "float24",
    "objects": "object",
    "code": "O",
    "structured": "f8,f8",
    "byte order": "<f8",
    "text": "str",
    "empty": "",
    "long": "float64" * 10_000,
    "number": 8,
    "list": ["float64"],
    "map": {"float64": 1},
    "null": None,
}
"""What the data type of an array of float64 is not, for a field of float64."""

WRONG_DATA: Mapping[str, Any] = {
    "no data": None,
    "a list": [1.0, 2.0, 3.0, 4.0],
    "a text": "data",
    "empty": {},
    "no encoding": {"buffer": "AAAA"},
    "no buffer": {"encoding": "base64"},
    "unknown encoding": {"buffer": "AAAA", "encoding": "base46"},
    "encoding that is no text": {"buffer": "AAAA", "encoding": ["base64"]},
    "unknown key": {"buffer": [1, 2, 3, 4], "encoding": "json", "order": "C"},
    "unknown compression": {"buffer": "AAAA", "encoding": "base64", "compression": "rar"},
    "number of a compression": {"buffer": "AAAA", "encoding": "base64", "compression": 4},
    "list of compressions": {"buffer": "AAAA", "encoding": "base64", "compression": ["lz4"]},
    "map of compressions": {"buffer": "AAAA", "encoding": "base64", "compression": {}},
    "wrong alphabet": {"buffer": "*" * 44, "encoding": "base64"},
    "text for raw bytes": {"buffer": "AAAA", "encoding": "raw"},
}
"""What the data of an array is not, in any format."""

WRONG_BUFFERS: Mapping[str, Any] = {
    "null": None,
    "truth": True,
    "map": {},
    "map of numbers": {"0": 1.0},
    "text": "nothing that is an array",
    "empty text": "",
    "long text": "A" * 100_000,
    "texts": ["a", "b", "c", "d"],
    "ragged": [[1.0], [2.0, 3.0], 4.0],
    "NUL": "\x00",
}
"""What the buffer of four numbers is not, in any encoding."""

OVERFLOWS: Mapping[str, tuple[str, Any]] = {
    "float32": ("float64", 1e300),
    "float16": ("float32", -1e6),
    "complex64": ("complex128", 1e300j),
    "int8": ("int64", 128),
    "int64": ("uint64", 2**63),
    "uint64": ("int8", -1),
}
"""For a data type another one, and a number of that which is too large for the first."""

_TEXT_AMONG_NUMBERS = ["a" * 100_000, *[""] * 500]

BOMBS: Mapping[str, Any] = {
    "text among numbers": {"float64": _TEXT_AMONG_NUMBERS},
    "text among encoded numbers": {
        "float64": {
            "shape": [501],
            "dtype": "float64",
            "data": {"buffer": _TEXT_AMONG_NUMBERS, "encoding": "json"},
        }
    },
    "memory for nothing": {
        "float64": {
            "shape": [2**31],
            "dtype": "float64",
            "data": {"buffer": [1.0], "encoding": "json"},
        }
    },
    "wrong arrays": {"many": ["wrong"] * 25_000},
    "wrong models": {"items": ["wrong"] * 25_000},
    "more items than are allowed": {"anything": [{}] * 4 * MOST_JSON_ITEMS},
}
"""Inputs that take little room in a document, of which a careless reader makes something large."""
