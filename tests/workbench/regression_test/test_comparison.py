"""Differences are reported by path, with the expected and the actual value."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import BaseModel, ConfigDict

from runtime_core import ShapeDType
from tesseract_runtime_workbench.regression_test.comparison import (
    Tolerance,
    array_difference,
    differences,
)

EXACT = Tolerance(atol=0, rtol=0)


def told(expected: object, got: object, tolerance: Tolerance | None = None) -> list[str]:
    """Return the differences of two values in words."""
    return [each.text for each in differences(expected, got, tolerance or Tolerance())]


@pytest.mark.parametrize(
    "value",
    [
        1,
        10**400,
        1.5,
        math.nan,
        math.inf,
        1 + 2j,
        complex(math.nan, math.inf),
        True,
        "text",
        None,
        b"bytes",
        {1, 2},
        [],
        {},
        np.float32(1),
        np.bool_(True),
        np.zeros((0, 2)),
        np.array([math.nan, math.inf, -math.inf]),
        np.array([complex(math.nan, 1), complex(math.inf, math.nan)]),
        ShapeDType(shape=(2,), dtype="bool"),
    ],
)
def test_equal_values(value: Any) -> None:
    """A value does not differ from itself, however exact the comparison."""
    assert told(value, value, EXACT) == []
    assert told({"k": [value]}, {"k": [value]}, EXACT) == []


@pytest.mark.parametrize(
    ("expected", "got", "text"),
    [
        (1, 2, "expected 1, got 2"),
        (1.0, 1.001, "expected 1.0, got 1.001"),
        (10**400, 10**400 + 1, "expected an integer of 1329 bits, got an integer of 1329 bits"),
        (2**64, 2**64 + 1, "expected 18446744073709551616, got 18446744073709551617"),
        (2**62, 2**62 + 1, "expected 4611686018427387904, got 4611686018427387905"),
        (math.inf, 1e308, "expected inf, got 1e+308"),
        (1e308, math.inf, "expected 1e+308, got inf"),
        (math.inf, -math.inf, "expected inf, got -inf"),
        (math.nan, 0.0, "expected nan, got 0.0"),
        (0.0, math.nan, "expected 0.0, got nan"),
        (1.0, None, "expected 1.0, got None"),
        (True, 1, "expected True, got 1"),
        (1, True, "expected 1, got True"),
        (True, False, "expected True, got False"),
        ("1", 1, "expected '1', got 1"),
        ("a", "b", "expected 'a', got 'b'"),
        (1 + 2j, 1 + 3j, "expected (1+2j), got (1+3j)"),
        (complex(math.inf, 1), complex(math.inf, 2), "expected (inf+1j), got (inf+2j)"),
        ([], {}, "expected list of 0 items, got empty object"),
        ([1], 1, "expected list of 1 items, got 1"),
        (None, np.zeros(2), "expected None, got array of shape (2,) and dtype float64"),
        ("x", np.zeros(2), "expected 'x', got array of shape (2,) and dtype float64"),
        ({1}, {2}, "expected set object, got set object"),
    ],
)
def test_different_values(expected: object, got: object, text: str) -> None:
    """Different values of any kinds are both shown."""
    assert told({"v": expected}, {"v": got}) == [f"{{v}}: {text}"]


def test_places_of_differences() -> None:
    """Each difference has its path into models, lists and dicts."""

    class Inner(BaseModel):
        model_config = ConfigDict(extra="allow")
        n: int

    class Outer(BaseModel):
        items: list[Inner]
        named: dict[str, Any]

    expected = Outer.model_validate({"items": [{"n": 1, "copy": 1}], "named": {"a.b": [1, 2]}})
    got = Outer.model_validate({"items": [{"n": 2, "copy": 2}], "named": {"a.b": [1, 3]}})
    assert told(expected, got) == [
        "items.[0].n: expected 1, got 2",
        "items.[0].copy: expected 1, got 2",
        "named.{a.b}.[1]: expected 2, got 3",
    ]


def test_dataclasses_and_tuples_have_places() -> None:
    """Paths lead into dataclasses and tuples too, so that numbers in them have a tolerance."""

    @dataclass
    class Point:
        x: float

    assert told((Point(1.0),), (Point(1.0 + 1e-9),)) == []
    assert told((Point(1.0),), (Point(2.0),)) == ["[0].x: expected 1.0, got 2.0"]


def test_difference_at_the_root() -> None:
    """Outputs that are a single value have no path."""
    assert told(1, 2) == ["outputs: expected 1, got 2"]


def test_what_is_missing_and_what_is_too_much() -> None:
    """Keys and items of only one side are reported."""
    assert told({"a": 1, "l": [1]}, {"b": 2, "l": [1, 2]}) == [
        "{a}: expected 1, got nothing",
        "{l}.[1]: expected nothing, got 2",
        "{b}: expected nothing, got 2",
    ]


def test_long_texts_are_shown_where_they_differ() -> None:
    """Long texts are quoted from their first difference on."""
    expected, got = "a" * 1000 + "b" + "c" * 1000, "a" * 1000 + "d" + "c" * 1000
    [text] = told(expected, got)
    assert text.startswith(f"outputs: from character 981 on, expected '{'a' * 20}bccc")
    assert f"got '{'a' * 20}dccc" in text
    assert len(text) < 300


def test_worst_elements_come_first() -> None:
    """Five elements of a different array are shown, the farthest first."""
    expected = np.zeros((2, 4))
    got = np.array([[1.0, -8.0, 3.0, 4.0], [math.nan, 6.0, 7.0, 2.0]])
    found = array_difference(expected, got, Tolerance())
    assert found is not None
    assert found.text.splitlines() == [
        "8 of 8 elements differ by more than 1e-08 + 1e-05 * |expected|",
        "  [1, 0]: expected 0.0, got nan",
        "  [0, 1]: expected 0.0, got -8.0",
        "  [1, 2]: expected 0.0, got 7.0",
        "  [1, 1]: expected 0.0, got 6.0",
        "  [0, 3]: expected 0.0, got 4.0",
    ]


def test_size_of_a_difference_is_its_number_of_tolerances() -> None:
    """The farthest element counts; what is not a number, or differs in kind, is infinitely far."""
    tolerance = Tolerance(atol=0.5, rtol=0)

    def size(expected: object, got: object) -> float:
        [found] = differences(expected, got, tolerance)
        return found.size

    assert size(np.array([1.0, 2.0]), np.array([2.0, 5.0])) == 6.0
    assert size(3, 4) == 2.0
    infinite = [(1.0, math.nan), (np.zeros(2), np.zeros(3)), ("a", "b"), (1.0, None)]
    assert {size(*pair) for pair in infinite} == {math.inf}


def test_narrow_numbers_are_shown_as_they_are() -> None:
    """Numbers of single precision are written with their digits only."""
    found = array_difference(np.array([0.1], "f4"), np.array([0.2], "f4"), Tolerance())
    assert found is not None
    assert found.text.endswith("[0]: expected 0.1, got 0.2")


def test_half_precision_does_not_overflow() -> None:
    """Distances of numbers in half precision do not overflow."""
    low, high = np.array([-60000], "f2"), np.array([60000], "f2")
    found = array_difference(low, high, Tolerance())
    assert found is not None
    assert re.search(r"\[0\]: expected -(60000\.0|6e\+04), got (60000\.0|6e\+04)$", found.text)


def test_integers_have_no_tolerance() -> None:
    """Integers and booleans must be equal, whatever the tolerance."""
    loose = Tolerance(atol=10, rtol=10)
    assert array_difference(np.array([1]), np.array([2]), loose) is not None
    assert array_difference(np.array([True]), np.array([False]), loose) is not None
    assert array_difference(np.array([1.0]), np.array([2.0]), loose) is None


def test_unsigned_integers_do_not_wrap() -> None:
    """Distances of unsigned integers do not wrap around."""
    expected, got = np.array([0, 200], "u1"), np.array([1, 0], "u1")
    found = array_difference(expected, got, Tolerance())
    assert found is not None
    assert found.text.splitlines()[1] == "  [1]: expected 200, got 0"


def test_other_shapes_are_not_broadcast() -> None:
    """Arrays of other shapes differ, even if numpy would broadcast them."""
    found = array_difference(np.zeros((1, 2)), np.zeros(2), Tolerance())
    assert found is not None
    assert found.text == "expected shape (1, 2), got (2,)"


def test_expected_numbers_take_the_precision_of_the_others() -> None:
    """Expected numbers are compared in the data type of the actual ones."""
    assert array_difference(np.array([0.1]), np.array([0.1], "f4"), EXACT) is None
    assert array_difference(np.array([1e300]), np.array([1.0], "f4"), EXACT) is not None


DTYPES = st.sampled_from(["float16", "float32", "float64", "complex64", "complex128"])


@given(numbers=DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, (3,))))
def test_no_array_differs_from_its_copy(numbers: np.ndarray[Any, Any]) -> None:
    """Any array equals its copy at zero tolerance."""
    assert array_difference(numbers, numbers.copy(), EXACT) is None


@given(
    expected=arrays.arrays("float64", (4,)),
    got=arrays.arrays("float64", (4,)),
    tolerance=st.builds(Tolerance, atol=st.floats(min_value=0, max_value=10), rtol=st.floats(0, 1)),
)
def test_tolerance_is_that_of_numpy(
    expected: np.ndarray[Any, Any], got: np.ndarray[Any, Any], tolerance: Tolerance
) -> None:
    """Real numbers are compared like `numpy.isclose(got, expected)`."""
    with np.errstate(all="ignore"):
        near = np.isclose(got, expected, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    assert tolerance.close(expected, got).tolist() == near.tolist()


@pytest.mark.parametrize(
    ("expected", "got", "close"),
    [
        (complex(np.nan, 1), complex(np.nan, 1), True),
        (complex(np.nan, 1), complex(np.nan, 2), False),
        (complex(np.nan, 1), complex(1, np.nan), False),
        (complex(np.inf, 1), complex(np.inf, 1), True),
        (complex(np.inf, 1), complex(-np.inf, 1), False),
        (1e308, np.inf, False),
    ],
)
def test_parts_that_are_not_finite_must_be_the_same(
    expected: complex, got: complex, close: bool
) -> None:
    """A NaN or an infinity has its place in one part, however large the tolerance is."""
    result = Tolerance(rtol=10.0).close(np.asarray(expected), np.asarray(got))
    assert bool(result) is close
