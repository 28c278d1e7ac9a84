"""Documents that somebody has damaged, in their bytes or in their trees.

The damage is drawn by hypothesis, which finds the smallest, or from a seed, which is fast.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

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
"""Parts of documents in which readers are known to fail."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replaces some bytes of a document; `place` is the fraction of the document before them."""

    place: float
    removed: int
    inserted: bytes

    def of(self, document: bytes) -> bytes:
        """Return the edited document."""
        start = int(self.place * len(document))
        return document[:start] + self.inserted + document[start + self.removed :]


_REST = 10**9  # more than any document has

EDITS = st.lists(
    st.builds(
        Edit,
        place=st.floats(0, 1),
        removed=st.one_of(st.integers(0, 9), st.just(_REST)),
        inserted=st.one_of(st.sampled_from(WORDS), st.binary(max_size=9)),
    ),
    min_size=1,
    max_size=4,
)
"""A strategy of what is done to one document."""


def edited(document: bytes, edits: Sequence[Edit]) -> bytes:
    """Return a document after some edits.

    >>> edited(b"abcdef", [Edit(place=0.5, removed=1, inserted=b"--")])
    b'abc--ef'
    """
    for edit in edits:
        document = edit.of(document)
    return document


def random_edits(source: random.Random) -> list[Edit]:
    """Return edits as `EDITS` has them, without the costs of hypothesis.

    Every other one leaves the rest of the document in its place.
    """
    return [_random_edit(source) for _ in range(source.choice((1, 1, 1, 2, 3)))]


def _random_edit(source: random.Random) -> Edit:
    word, noise = source.choice(WORDS), source.randbytes(source.randrange(1, 9))
    inserted = source.choice((word, noise))
    removed = source.choice((len(inserted), len(inserted), 0, 1, 4, _REST))
    return Edit(place=source.random(), removed=removed, inserted=inserted)


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 2**63 - 1, -(2**63), 1.5, float("nan"), float("inf")),
    *("", "NaN", "1+2j", "array", "json", "base64", "raw", "binref", "lz4", "AAAA", "\x00"),
    *([], [[]], [0], [1, 2.5], [True], ["a"], [None, "NaN"], [2**63 - 1] * 2, [[1], [2, 3]]),
    *({}, {"a": 1}, {"buffer": [1.0], "encoding": "json"}, {"": {}}, "a" * 999, [1] * 65),
)
"""What may stand in any place of a tree."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Puts another value into a tree; `place` is the fraction of the places before it."""

    place: float
    value: Any

    def of(self, tree: Any) -> Any:
        """Return the tree, which is changed itself."""
        places = list(_places(tree))
        container, key = places[min(int(self.place * len(places)), len(places) - 1)]
        container[key] = self.value
        return tree


EXCHANGES = st.builds(Exchange, place=st.floats(0, 1), value=st.sampled_from(VALUES))
"""A strategy of what is done to one tree."""


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the containers of a tree, each with every key that it has."""
    if isinstance(tree, dict | list):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        for key in keys:
            yield tree, key
            yield from _places(tree[key])


def documents_to_damage(echo: Echo, *, compression: str | None = None) -> list[bytes]:
    """Return documents of all data types, of values that are easily lost and of nested models."""
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
    """Read documents whose bytes are damaged; each must give a value or a clear refusal.

    Returns how many had a value all the same. The same seed damages the same documents alike.
    """
    source = random.Random(seed)  # noqa: S311  # nothing is secret about it
    return sum(
        _survives(echo, edited(source.choice(originals), random_edits(source)))
        for _ in range(count)
    )


def survive_exchanges(echo: Echo, originals: Sequence[bytes], *, count: int, seed: int = 0) -> int:
    """Read well-formed documents with a value in a wrong place; the rest as `survive_edits`."""
    source = random.Random(seed)  # noqa: S311  # nothing is secret about it
    return sum(
        _survives(echo, _with_random_exchange(echo, source.choice(originals), source))
        for _ in range(count)
    )


def _with_random_exchange(echo: Echo, document: bytes, source: random.Random) -> bytes:
    exchange = Exchange(place=source.random(), value=source.choice(VALUES))
    return echo.document(exchange.of(echo.tree(document)))


def _survives(echo: Echo, document: bytes) -> bool:
    try:
        return echo.survive(document) is not None
    except BaseException as error:
        error.add_note(f"The document was {document!r}.")
        raise
