"""The round trips that a document format must pass."""

from __future__ import annotations

import math
from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.testing.echo import Echo
from runtime_core.testing.format_suite import FormatSuite
from runtime_core.testing.memory import traced_peak
from runtime_core.testing.samples import arrays_in, belongs_to_its_receiver, counted

TEXTS = (
    "",
    'a "quoted" \\ text\n',
    "\x00\x1f\x7f",
    "\N{GREEK SMALL LETTER ALPHA}\N{GRINNING FACE}",
    "NaN",
    "buffer-0123456789abcdef0123456789abcdef-0",
)
"""Texts that a writer could mistake for something else."""


class RoundTrips(FormatSuite):
    """Tests that documents keep their values, and take little memory."""

    slack: ClassVar[int] = 2**20

    def test_arrays_belong_to_the_author(self, echo: Echo) -> None:
        """Arrays in `apply` are writable, aligned, native, and share no memory with others."""
        values = {dtype: counted(dtype, (3, 4)) for dtype in DTYPES}
        document = echo.write({**values, "many": [counted("float64", (2,))] * 3})
        body = bytearray(document)
        found = list(arrays_in(echo.read(body)))
        assert len(found) == len(DTYPES) + 3
        assert all(map(belongs_to_its_receiver, found))
        assert not any(np.shares_memory(*pair) for pair in combinations(found, 2))
        for array in found:
            array[...] = 1
        assert body == document

    def test_rank_0_is_a_numpy_scalar(self, echo: Echo) -> None:
        """An array of rank 0 is an instance of its scalar type."""
        back = echo.read(echo.write({dtype: counted(dtype, ()) for dtype in DTYPES}))
        wrong = [name for name in DTYPES if type(getattr(back, name)) is not np.dtype(name).type]
        assert wrong == []

    def test_nested_models_come_back(self, echo: Echo) -> None:
        """Arrays in lists, tuples, maps and optional fields stay in place."""
        item = {"values": counted("float64", (3,)), "note": "a"}
        document = echo.write(
            {
                "items": [item, {"values": [], "note": None}],
                "named": {"a.b": item, '"{\\}" \N{GRINNING FACE}': item, "": item},
                "pair": (item, np.int32(-7)),
            }
        )
        back = echo.read(document)
        assert [item.note for item in back.items] == ["a", None]
        assert list(back.named) == ["a.b", '"{\\}" \N{GRINNING FACE}', ""]
        assert back.pair[1] == np.int32(-7)
        owners = [*back.items, *back.named.values(), back.pair[0]]
        assert [owner.values.tolist() for owner in owners] == [[0, 1, 2], [], *[[0, 1, 2]] * 4]

    @pytest.mark.parametrize("number", [1.5, -0.0, 5e-324, math.inf, -math.inf, math.nan])
    def test_plain_floats_come_back(self, echo: Echo, number: float) -> None:
        """Plain numbers stay the same."""
        assert repr(echo.read(echo.write({"number": number})).number) == repr(number)

    @pytest.mark.parametrize(
        "number", [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, -(2**70), 10**1000]
    )
    def test_plain_integers_come_back(self, echo: Echo, number: int) -> None:
        """Integers are exact, also where the format has none of their size."""
        assert echo.read(echo.write({"whole": number})).whole == number

    @pytest.mark.parametrize("text", TEXTS, ids=ascii)
    def test_texts_come_back(self, echo: Echo, text: str) -> None:
        """Texts stay texts, also in documents with arrays."""
        many = [counted("float64", (2,))] * 3
        back = echo.read(echo.write({"text": text, "many": many, "anything": {text: [text]}}))
        assert (back.text, back.anything) == (text, {text: [text]})

    def test_ten_thousand_small_arrays_come_back(self, echo: Echo) -> None:
        """Many small arrays come back in their order."""
        many = [np.array([number, 0.5]) for number in range(10_000)]
        back = echo.read(echo.write({"many": many}))
        assert np.array_equal(back.many, many)

    def test_large_arrays_come_back(self, echo: Echo) -> None:
        """Arrays larger than the pieces of a document come back."""
        large = counted("float64", (100_000,))
        back = echo.read(echo.write({"float64": large, "many": [large[:50_000], large[:50_001]]}))
        assert self.same(back.float64, large)
        assert [array.size for array in back.many] == [50_000, 50_001]

    def test_reading_takes_twice_the_array(self, echo: Echo) -> None:
        """Reading takes at most two copies of an array in addition to its document."""
        array = counted("float64", (250_000,))
        document = echo.write({"float64": array})
        assert traced_peak(lambda: echo.read(document)) < 2 * array.nbytes + self.slack

    def test_writing_takes_twice_the_array(self, echo: Echo) -> None:
        """Writing takes at most two copies of an array, including the document."""
        array = counted("float64", (250_000,))
        size = len(echo.write({"float64": array}))
        peak = traced_peak(lambda: echo.answer({"float64": array}))
        assert peak < size + array.nbytes + self.slack
