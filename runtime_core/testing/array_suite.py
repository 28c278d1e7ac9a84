"""The round trips of arrays that encodings, formats and compressors share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.testing.samples import (
    EMPTY_SHAPES,
    LAYOUTS,
    SHAPES,
    AnyArray,
    bits,
    counted,
    special,
)

RoundTrip = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A function that writes and reads arrays, which it takes and returns by data type."""

UNCHECKED = [
    HealthCheck.differing_executors,  # every subclass has its own way to write
    HealthCheck.too_slow,
]


def arrays(dtypes: tuple[str, ...] = tuple(DTYPES)) -> st.SearchStrategy[AnyArray]:
    """Return a strategy of arrays of any rank from 0 to 5, with NaN, infinities and no elements."""
    shapes = npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)
    return st.sampled_from(dtypes).flatmap(lambda dtype: npst.arrays(dtype, shapes))


class ArraySuite:
    """Tests that arrays come back bit by bit; a subclass has a class-scoped fixture `round_trip`.

    Without `keeps_nan_payloads` any NaN equals any other. Without `buffers_have_ends` a reader
    cannot know that a buffer has more elements than the shape.
    """

    keeps_nan_payloads: ClassVar[bool] = True
    buffers_have_ends: ClassVar[bool] = True

    def check(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Compare arrays by name."""
        assert [name for name in expected if not self.same(found[name], expected[name])] == []

    def same(self, left: Any, right: Any) -> bool:
        """Compare two arrays."""
        kept = self.keeps_nan_payloads
        return bits(left, nan_payloads=kept) == bits(right, nan_payloads=kept)

    @given(array=arrays())
    @settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
    def test_array_comes_back(self, round_trip: RoundTrip, array: AnyArray) -> None:
        """Arrays of every data type, of ranks 0 to 5, come back."""
        values = {array.dtype.name: array}
        self.check(round_trip(values), values)

    @pytest.mark.parametrize("shape", [*SHAPES, *EMPTY_SHAPES], ids=str)
    def test_every_data_type_comes_back(
        self, round_trip: RoundTrip, shape: tuple[int, ...]
    ) -> None:
        """Every data type has every rank, also without elements."""
        values = {dtype: counted(dtype, shape) for dtype in DTYPES}
        self.check(round_trip(values), values)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_special_values_come_back(self, round_trip: RoundTrip, dtype: str) -> None:
        """Extremes, NaN, infinities and minus zero come back, in arrays and alone."""
        array = special(dtype)
        for values in (array, *array):
            self.check(round_trip({dtype: values}), {dtype: values})

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layout_in_memory_does_not_matter(self, round_trip: RoundTrip, layout: str) -> None:
        """Arrays of any layout in memory come back as equal arrays in C order."""
        values = {dtype: LAYOUTS[layout](counted(dtype, (3, 4))) for dtype in DTYPES}
        plain = {dtype: np.array(values[dtype], dtype, order="C") for dtype in DTYPES}
        self.check(round_trip(values), plain)
