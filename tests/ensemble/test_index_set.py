"""The set of indexes that are done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tesseract_runtime_ensemble.index_set import IndexSet


@given(st.lists(st.integers(0, 40)))
def test_it_is_a_set(indexes: list[int]) -> None:
    """Whatever the order of indexes, and their repetitions."""
    done = IndexSet()
    for index in indexes:
        done.add(index)
    assert [index for index in range(42) if index in done] == sorted(set(indexes))
    assert len(done) == len(set(indexes))


def test_its_memory_is_that_of_its_gaps() -> None:
    """Neighbours are one range."""
    done = IndexSet()
    for index in range(10_000):
        done.add(index)
    assert vars(done) == {"_starts": [0], "_stops": [10_000]}
