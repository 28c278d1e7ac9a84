"""Faulty documents of arrays, with a name for each fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from runtime_core.testing.echo import MOST_JSON_ITEMS

Leaf = dict[str, Any]
Change = Callable[[Leaf], Any]

WRONG_SHAPES: tuple[Any, ...] = (
    *([5], [3, 2], [-4], [-2, -2], [2**40], [2**63 - 1], [2**31] * 3, [2**62, 2**62, 0]),
    *([1] * 64 + [4], [1] * 100_000, [4.5], [4.0], ["4"], [True], 4, [[4]], None),
)
"""Wrong shapes of an array of four numbers."""

WRONG_DTYPES: tuple[Any, ...] = (
    *("complex64", "float24", "object", "O", "f8,f8", "<f8", "str", "", "float64" * 10_000),
    *(8, ["float64"], {"float64": 1}, None),
)
"""Wrong data types of an array of float64."""

WRONG_DATA: tuple[Any, ...] = (
    *(None, [1.0, 2.0, 3.0, 4.0], "data", {}, {"buffer": "AAAA"}, {"encoding": "base64"}),
    {"buffer": "AAAA", "encoding": "base46"},
    {"buffer": "AAAA", "encoding": ["base64"]},
    {"buffer": [1, 2, 3, 4], "encoding": "json", "order": "C"},
    {"buffer": "AAAA", "encoding": "base64", "compression": "rar"},
    {"buffer": "AAAA", "encoding": "base64", "compression": 4},
    {"buffer": "AAAA", "encoding": "base64", "compression": ["lz4"]},
    {"buffer": "AAAA", "encoding": "base64", "compression": {}},
    {"buffer": "*" * 44, "encoding": "base64"},
    {"buffer": "AAAA", "encoding": "raw"},
)
"""Wrong data of an array of four numbers, in any format."""

WRONG_BUFFERS: tuple[Any, ...] = (
    *(None, True, {}, {"0": 1.0}, "not an array", "", "A" * 100_000, "\x00"),
    *(["a", "b", "c", "d"], [[1.0], [2.0, 3.0], 4.0]),
)
"""Wrong buffers of an array of four numbers, in any encoding."""


def _changes() -> Iterator[tuple[str, Change]]:
    wrong = {"shape": WRONG_SHAPES, "dtype": WRONG_DTYPES, "data": WRONG_DATA}
    for key, values in {**wrong, "object_type": ("tensor",), "k" * 100_000: (1,)}.items():
        for number, value in enumerate(values):
            yield f"{key:.12} {number}: {value!r:.40}", partial(dict.update, **{key: value})
    for number, value in enumerate(WRONG_BUFFERS):
        yield f"buffer {number}: {value!r:.40}", partial(_update_data, {"buffer": value})
    yield "unknown key of data", partial(_update_data, {"k" * 100_000: 1})
    for key in ("shape", "dtype", "data"):
        yield f"no {key}", partial(_remove, key)


def _update_data(changes: Mapping[str, Any], leaf: Leaf) -> None:
    leaf["data"].update(changes)


def _remove(key: str, leaf: Leaf) -> None:
    del leaf[key]


FAULTS: Mapping[str, Change] = dict(_changes())
"""Functions that change the document of an array of four float64 to a wrong one."""

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


def _numbers(size: int, buffer: list[Any]) -> Mapping[str, Any]:
    data = {"buffer": buffer, "encoding": "json"}
    return {"float64": {"shape": [size], "dtype": "float64", "data": data}}


BOMBS: Mapping[str, Any] = {
    "text among numbers": {"float64": _TEXT_AMONG_NUMBERS},
    "text among encoded numbers": _numbers(501, _TEXT_AMONG_NUMBERS),
    "shape beyond the buffer": _numbers(2**31, [1.0]),
    "wrong arrays": {"many": ["wrong"] * 25_000},
    "wrong models": {"items": ["wrong"] * 25_000},
    "more items than are allowed": {"anything": [{}] * 4 * MOST_JSON_ITEMS},
}
"""Inputs that are small in a document, and large in the memory of a careless reader."""

SIZES_AT_THRESHOLDS = tuple(size + change for size in (1 << 16, 1 << 20) for change in (-1, 0, 1))
"""Sizes in bytes around those from which on readers of this project take other ways."""

_FITTING = frozenset({("json", list), ("base64", str), ("base64", bytes), ("raw", bytes)})
"""The types of the buffers of known encodings, where bytes are those of a text."""


def exchanged_buffers(size: int, encodings: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield values of array fields that are not what they say to be, by data type.

    Texts, bytes and lists are in the places of one another, as large as the array needs; a buffer
    that fits its encoding is too short by one item, or is said to be compressed.
    """
    for buffer in ("1" * size, b"1" * size, [1] * (size // 8), ["1" * size], [b"1" * size]):
        for dtype, count in (("uint8", size), ("bool", size), ("float64", size // 8)):
            if not isinstance(buffer, list):
                yield dtype, buffer
            for encoding in encodings:
                fitting = (encoding, type(buffer)) in _FITTING
                data = {"buffer": buffer, "encoding": encoding}
                yield dtype, {"shape": [count + fitting], "dtype": dtype, "data": data}
    data = {"buffer": "1" * (size // 4 * 4), "encoding": "base64", "compression": "lz4"}
    yield "uint8", {"shape": [size // 4 * 3], "dtype": "uint8", "data": data}
