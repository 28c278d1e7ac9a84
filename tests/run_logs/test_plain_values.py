"""Values of any kind as JSON."""

from __future__ import annotations

import datetime as dt
import json
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runtime_core.run_logs.plain_values import plain

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Color(Enum):
    """No value of JSON."""

    RED = 1


class Level(IntEnum):
    """A number of JSON."""

    HIGH = 3


class Point(BaseModel):
    """A model with something in it that JSON has not."""

    x: float = 1.0
    where: Path = Path("a")


@given(PLAIN)
def test_values_of_json_are_left_as_they_are(value: Any) -> None:
    """JSON values do not change, except infinities, which become text."""
    assert json.dumps(plain(value)).replace('"inf"', "Infinity").replace(
        '"-inf"', "-Infinity"
    ) == json.dumps(value).replace('"inf"', "Infinity").replace('"-inf"', "-Infinity")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([1.0, np.nan]), [1.0, "nan"]),
        (np.longdouble(0.5), "0.5"),
        (float("inf"), "inf"),
        ((1, 2), [1, 2]),
        ({3: {"a": None}}, {"3": {"a": None}}),
        (Level.HIGH, 3),
        (Color.RED, "Color.RED"),
        (Path("a/b"), "a/b"),
        (1 + 2j, "(1+2j)"),
        (b"ab", "b'ab'"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (Point(), {"x": 1.0, "where": "a"}),
    ],
    ids=repr,
)
def test_other_values_become_what_json_has(value: Any, expected: Any) -> None:
    """Arrays become lists, models mappings, and anything else its text."""
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_sets_become_lists() -> None:
    """A set has an order in JSON."""
    assert sorted(plain({2, 1})) == [1, 2]


def test_value_that_holds_itself_ends() -> None:
    """A list inside of itself becomes text somewhere."""
    endless: list[Any] = []
    endless.append(endless)
    assert "[...]" in json.dumps(plain(endless))


class Mute:
    """An object without a text."""

    def __str__(self) -> str:
        """Fail."""
        raise ValueError("no text")


@pytest.mark.parametrize("value", [Point, np.ndarray, Mute(), [Mute()], 10**5000], ids=range(5))
def test_every_value_can_be_logged(value: Any) -> None:
    """Classes, huge numbers and values without a text do not fail a computation."""
    json.dumps(plain(value))
