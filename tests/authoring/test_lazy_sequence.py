"""`LazySequence`: a sequence that gets each item once, when it is used."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from runtime_core import Array, Float64
from runtime_core.errors import InvalidResult
from tesseract_runtime_authoring import LazySequence
from tests.authoring.conftest import Point, schema_of
from tests.patience import SECONDS

Recorded = tuple[LazySequence[int], list[int]]


def recorded(count: int = 10) -> Recorded:
    """Return the squares of numbers, and the list of the requested ones."""
    asked: list[int] = []

    def square(number: int) -> int:
        asked.append(number)
        return number**2

    return LazySequence(range(count), square), asked


def test_nothing_is_got_before_it_is_used() -> None:
    """Length, repr, slices, copies and truth need no item."""
    sequence, asked = recorded()
    assert len(sequence) == 10
    assert repr(sequence) == "LazySequence of 10 items"
    assert len(sequence[2:8:3]) == 2
    assert copy.copy(sequence) is sequence
    assert len(copy.deepcopy(sequence)) == 10
    assert sequence == sequence
    assert bool(sequence)
    assert asked == []


def test_each_item_is_got_once() -> None:
    """The getter is called once for each key, by any access."""
    sequence, asked = recorded()
    assert [sequence[3], sequence[-7], sequence[3:4][0], list(sequence)[3]] == [9, 9, 9, 9]
    assert sorted(asked) == list(range(10))


def test_slices_share_what_was_got() -> None:
    """An item of a slice is the same object as that of the whole."""
    sequence: LazySequence[object] = LazySequence(range(4), lambda _: object())
    assert sequence[::-1][0] is sequence[3]
    assert sequence[1:][1:][0] is sequence[2]


@given(
    keys=st.lists(st.integers()),
    start=st.none() | st.integers(-9, 9),
    stop=st.none() | st.integers(-9, 9),
    step=st.none() | st.integers(-3, 3).filter(bool),
)
def test_it_behaves_like_a_list(
    keys: list[int], start: int | None, stop: int | None, step: int | None
) -> None:
    """Slices, order, length and membership are those of the list of its items."""
    squares = [key**2 for key in keys]
    sequence: LazySequence[int] = LazySequence(keys, lambda key: key**2)
    assert list(sequence[start:stop:step]) == squares[start:stop:step]
    assert list(reversed(sequence)) == squares[::-1]
    assert sequence == squares
    assert all(square in sequence for square in squares)
    assert [sequence[i - len(keys)] for i in range(len(keys))] == squares


@pytest.mark.parametrize("position", [10, -11, 10**30])
def test_a_position_outside_is_an_index_error(position: int) -> None:
    """An index out of range is reported with the length."""
    sequence, asked = recorded()
    with pytest.raises(IndexError, match=rf"Item {position} is out of range in LazySequence of 10"):
        sequence[position]
    assert asked == []


@pytest.mark.parametrize("position", ["a", 1.0, None])
def test_a_position_is_a_whole_number(position: Any) -> None:
    """Anything else is a `TypeError`, as for a list."""
    with pytest.raises(TypeError):
        recorded()[0][position]


def test_numpy_integers_are_positions() -> None:
    """Integers of numpy are valid indices."""
    assert recorded()[0][np.int64(3)] == 9  # type: ignore[call-overload]  # numpy says not so


@pytest.mark.parametrize("error", [IndexError, StopIteration, KeyError])
def test_what_a_getter_raises_comes_out(error: type[Exception]) -> None:
    """An `IndexError` of the getter does not end the iteration."""

    def fail(key: int) -> int:
        raise error("of the getter")

    sequence = LazySequence([1, 2], fail)
    with pytest.raises(error, match="of the getter"):
        sequence[0]
    if error is not StopIteration:
        with pytest.raises(error, match="of the getter"):
            list(sequence)


def test_a_getter_that_failed_is_asked_again() -> None:
    """A failure is not cached."""
    asked: list[int] = []

    def get(key: int) -> int:
        asked.append(key)
        if len(asked) == 1:
            raise ValueError("not yet")
        return 5

    sequence = LazySequence([0], get)
    with pytest.raises(ValueError, match="not yet"):
        sequence[0]
    assert sequence[0] == 5


def test_threads_get_an_item_once() -> None:
    """Threads that need the same item wait for one of them."""
    asked: list[int] = []
    together = threading.Barrier(8)

    def get(key: int) -> int:
        asked.append(key)
        threading.Event().wait(0.01)
        return key

    sequence = LazySequence(range(3), get)

    def use(_: int) -> list[int]:
        together.wait()
        return list(sequence)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == [[0, 1, 2]] * 8
    assert sorted(asked) == [0, 1, 2]


def test_different_items_are_got_at_the_same_time() -> None:
    """Threads that read ahead do not wait for one another."""
    together = threading.Barrier(4, timeout=SECONDS)

    def get(key: int) -> int:
        together.wait()
        return key

    sequence = LazySequence(range(4), get)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(sequence.__getitem__, range(4))) == [0, 1, 2, 3]


def test_a_pickled_sequence_has_its_items() -> None:
    """Another process needs neither getter nor files."""
    sequence, asked = recorded()
    again = pickle.loads(pickle.dumps(sequence))
    assert isinstance(again, LazySequence)
    assert again == sequence
    assert len(asked) == 10


@pytest.mark.parametrize("used_before", [True, False])
def test_a_deep_copy_shares_no_item(used_before: bool) -> None:
    """Changes to a copy do not affect the original; each item is read once for both."""
    asked: list[int] = []

    def get(key: int) -> list[int]:
        asked.append(key)
        return [key]

    sequence = LazySequence(range(2), get)
    if used_before:
        list(sequence)
    copied = copy.deepcopy(sequence)
    copied[0].append(7)
    assert copied == [[0, 7], [1]]
    assert list(sequence) == [[0], [1]]
    assert asked == [0, 1]


def test_a_deep_copy_of_given_items_shares_none() -> None:
    """A sequence without a getter is copied like a list."""
    sequence: LazySequence[list[int]] = LazySequence([[1], [2]])
    copied = copy.deepcopy(sequence)
    copied[0].append(7)
    assert sequence[0] == [1]


def test_equality_is_that_of_the_items() -> None:
    """Sequences equal lists and one another, and nothing else."""
    assert LazySequence([1, 2]) == LazySequence([0, 1], lambda key: key + 1)
    assert LazySequence([1, 2]) == [1, 2]
    assert LazySequence([1, 2]) == (1, 2)
    assert LazySequence([1, 2]) != LazySequence([1, 3])
    assert LazySequence([1, 2]) != [1]
    assert LazySequence(["a"]) != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(LazySequence([1]))


class Inputs(BaseModel):
    """A model with sequences in several positions."""

    points: LazySequence[Point]
    optional: LazySequence[int] | None = None
    listed: list[LazySequence[int]] = []
    named: dict[str, LazySequence[int]] = {}


def test_a_list_is_validated_at_once() -> None:
    """All faults of the items are reported, each with its location."""
    with pytest.raises(ValidationError) as caught:
        Inputs.model_validate({"points": [{"x": 1}, {"x": "a"}, {}], "named": {"k": ["b"]}})
    places = [fault["loc"] for fault in caught.value.errors()]
    assert places == [("points", 1, "x"), ("points", 2, "x"), ("named", "k", 0)]


def test_items_are_what_the_field_declares() -> None:
    """Items are models with their defaults."""
    inputs = Inputs.model_validate({"points": [{"x": 1}, Point(x=2)], "listed": [[1], ["2"]]})
    assert inputs.points == [Point(x=1), Point(x=2)]
    assert inputs.listed == [[1], [2]]


@pytest.mark.parametrize("value", [3, None, {"a": 1}, 1.5])
def test_other_values_are_refused(value: Any) -> None:
    """A field takes a list or a glob."""
    with pytest.raises(ValidationError, match="valid list"):
        TypeAdapter(LazySequence[int]).validate_python(value)


@pytest.mark.parametrize("text", ["points/*.json", "", " @x"])
def test_a_text_without_the_sign_is_refused(text: str) -> None:
    """A glob begins with `@`, so that a string instead of a list is reported."""
    with pytest.raises(ValidationError, match="Input should be a list, or '@' and a glob of files"):
        TypeAdapter(LazySequence[int]).validate_python(text)


def test_json_is_read_and_written() -> None:
    """Documents have a list, whatever the source of the sequence."""
    inputs = Inputs.model_validate_json('{"points": [{"x": 1}], "optional": [1, 2]}')
    points = LazySequence([1.0], lambda x: Point(x=x))
    lazy = Inputs(points=points, optional=LazySequence([1, 2]))
    assert inputs == lazy
    for model in (inputs, lazy):
        expected = {"x": 1.0, "weight": 1.0}
        assert model.model_dump()["points"] == [expected]
        assert Inputs.model_validate_json(model.model_dump_json()) == inputs


def test_a_sequence_of_an_author_is_validated_when_it_is_used() -> None:
    """Python code may pass a lazy sequence; its items are validated by the field."""
    asked: list[int] = []

    def get(key: int) -> dict[str, Any]:
        asked.append(key)
        return {"x": key} if key else {"y": 1}

    points = Inputs.model_validate({"points": LazySequence([0, 1], get)}).points
    assert asked == []
    assert points[1] == Point(x=1)
    with pytest.raises(ValidationError, match=r"item 0\.x: Field required") as caught:
        points[0]
    assert isinstance(caught.value, InvalidResult)  # the author's fault


def test_parts_and_copies_have_the_keys_of_their_items() -> None:
    """`keys` are those that the sequence was made from, for the items that it has."""
    points = Inputs.model_validate({"points": LazySequence("abc", lambda key: {"x": 1})}).points
    assert points.keys == "abc"
    assert points[1:].keys == "bc"
    assert points[1:][1:].keys == "c"
    assert copy.deepcopy(points).keys == "abc"


def test_validating_again_changes_nothing() -> None:
    """A sequence that the same field has validated is returned unchanged."""
    adapter = TypeAdapter(LazySequence[Point])
    once = adapter.validate_python(LazySequence([1], lambda x: {"x": x}))
    assert adapter.validate_python(once) is once


def test_a_plain_list_in_its_place_is_written() -> None:
    """A sequence that was assigned without validation is written as its items."""
    values: Any = {"points": [Point(x=1)]}
    assert Inputs.model_construct(**values).model_dump()["points"][0]["x"] == 1


def test_items_may_be_arrays() -> None:
    """Arrays are validated and written as in any other field, in every encoding."""

    class Fields(BaseModel):
        fields: LazySequence[Array[(None,), Float64]]

    model = Fields.model_validate({"fields": [[1, 2], [3]]})
    assert [array.shape for array in model.fields] == [(2,), (1,)]
    written = model.model_dump(mode="json", context={"array_encoding": "base64"})
    assert written["fields"][1]["data"] == {"buffer": "AAAAAAAACEA=", "encoding": "base64"}
    assert model.model_dump()["fields"][0].tolist() == [1, 2]
    again = Fields.model_validate(written)
    assert all(map(np.array_equal, again.fields, model.fields))


def test_an_item_type_is_not_needed() -> None:
    """Without a type the items are not validated."""
    bare: Any = LazySequence
    assert TypeAdapter(bare).validate_python([1, "a"]) == [1, "a"]


def test_a_model_may_hold_sequences_of_itself() -> None:
    """Recursive models without arrays work."""
    tree = Tree.model_validate({"children": [{"children": []}]})
    assert tree.children[0] == Tree(children=LazySequence([]))
    assert tree.model_dump() == {"children": [{"children": []}]}


class Tree(BaseModel):
    """A recursive model."""

    children: LazySequence[Tree]


def test_the_json_schema_has_both_forms() -> None:
    """The schema takes a list or a glob, and returns a list."""
    lists = {"type": "array", "items": {"type": "integer"}}
    assert schema_of(LazySequence[int], "serialization") == lists
    assert schema_of(LazySequence[int]) == {
        "anyOf": [
            lists,
            {
                "type": "string",
                "pattern": "^@",
                "description": "@ and a glob of files with an item each, relative to the input "
                "path.",
            },
        ]
    }


@pytest.mark.parametrize("method", [Sequence.index, Sequence.count])
def test_it_is_a_sequence(method: Callable[..., int]) -> None:
    """The mixins of `collections.abc` work."""
    sequence, _ = recorded()
    assert isinstance(sequence, Sequence)
    assert method(sequence, 1) == 1
