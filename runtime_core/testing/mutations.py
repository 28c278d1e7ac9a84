"""Damaged documents, in their bytes or in their trees.

The damage is random, from a seed: the same seed damages the same documents in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.testing.echo import Echo
from runtime_core.testing.samples import counted, special

WORDS = (
    *(b"", b"\x00", b"\xff", b"\x80", b"\xc0", b"\xc1", b"\x93", b"\x80\x80", b"\xc4\xff"),
    *(bytes([first, *b"\xff\xff\xff\xff"]) for first in b"\xc6\xc9\xdb\xdd\xdf"),
    *(b"\xc7\x01\x01\x00", b"\x7f" * 8, b"\xff" * 8, b"\x00" * 8, b"\xf0\x9f\x98\x80"),
    *(b"\xed\xa0\x80", b"\\", b"\\u0000", *rb"""[ ] { } " , : = ==== A""".split()),
    *b"0 1 -1 1.5 255 65536 4294967295 9223372036854775807 18446744073709551616".split(),
    *b"1e999 NaN -Infinity null true ../ / /dev/zero /dev/stdin file:// :: :0:8 .bin".split(),
    *b"json base64 raw binref lz4 float16 complex128 bool object".split(),
)
"""Parts of documents that are known to break readers."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 2**63 - 1, -(2**63), 1.5, float("nan"), float("inf")),
    *("", "NaN", "1+2j", "array", "json", "base64", "raw", "binref", "lz4", "AAAA", "\x00"),
    *([], [[]], [0], [1, 2.5], [True], ["a"], [None, "NaN"], [2**63 - 1] * 2, [[1], [2, 3]]),
    *({}, {"a": 1}, {"buffer": [1.0], "encoding": "json"}, {"": {}}, "a" * 999, [1] * 65),
)
"""Values to put into any place of a tree."""


def documents_to_damage(echo: Echo, *, compression: str | None = None) -> list[bytes]:
    """Return documents of all data types, of special values and of nested models."""
    item = {"values": counted("float64", (3,)), "note": "a \N{GREEK SMALL LETTER ALPHA}"}
    nested = {
        "items": [item, item],
        "named": {"a.b": item, "{}": item},
        "pair": (item, np.int32(7)),
        "number": float("nan"),
        "whole": 2**40,
        "text": "\N{GRINNING FACE}",
        "anything": {"a": [1, None, {"b": 2.5}]},
    }
    plain = {dtype: counted(dtype, (2, 3)) for dtype in DTYPES}
    lost = {dtype: special(dtype) for dtype in ("float16", "float64", "complex64", "int64", "bool")}
    return [echo.write(inputs, compression=compression) for inputs in (plain, lost, nested)]


def survive_edits(echo: Echo, originals: Sequence[bytes], *, count: int, seed: int = 0) -> int:
    """Read documents with damaged bytes; each must give a value or a clear refusal.

    Returns the number of documents that had a value all the same.
    """
    return _survivors(echo, edited(originals, count=count, seed=seed))


def survive_exchanges(echo: Echo, originals: Sequence[bytes], *, count: int, seed: int = 0) -> int:
    """Read well-formed documents with a value in a wrong place, as `survive_edits` does."""

    def exchange(document: bytes, source: random.Random) -> bytes:
        tree = echo.tree(document)
        container, key = source.choice(list(_places(tree)))
        container[key] = source.choice(VALUES)
        return echo.document(tree)

    return _survivors(echo, _damaged(originals, exchange, count, seed))


def edited(originals: Sequence[bytes], *, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield documents after random edits of their bytes."""
    return _damaged(originals, _edit, count, seed)


def _damaged(
    originals: Sequence[bytes],
    damage: Callable[[bytes, random.Random], bytes],
    count: int,
    seed: int,
) -> Iterator[bytes]:
    source = random.Random(seed)  # noqa: S311  # nothing is secret about it
    for _ in range(count):
        yield damage(source.choice(originals), source)


def _edit(document: bytes, source: random.Random) -> bytes:
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        inserted = source.choice((source.choice(WORDS), source.randbytes(source.randrange(1, 9))))
        # Some edits keep the length, and some cut off the rest.
        removed = source.choice((len(inserted), len(inserted), 0, 1, 4, len(document)))
        start = int(source.random() * len(document))
        document = document[:start] + inserted + document[start + removed :]
    return document


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the containers of a tree, each with every key that it has."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


def _survivors(echo: Echo, documents: Iterable[bytes]) -> int:
    survivors = 0
    for document in documents:
        try:
            survivors += echo.survive(document) is not None
        except BaseException as error:
            error.add_note(f"The document was {document!r}.")
            raise
    return survivors
