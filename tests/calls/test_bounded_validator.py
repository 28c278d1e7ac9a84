"""Validation that stops at a hundred faults: what it finds, and what it builds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from runtime_core.calls.bounded_validator import BoundedValidator, validator_of
from runtime_core.calls.first_faults import MOST_FAULTS
from runtime_core.calls.validation import validate_payload
from runtime_core.contracts import BoundEndpoint
from runtime_core.errors import InvalidPayload


class Point(BaseModel):
    """A model with required fields, as most are."""

    model_config = ConfigDict(extra="forbid")

    x: float
    y: float = Field(alias="why")


class Named(TypedDict):
    """A typed dict, which unions name by its class."""

    name: str


@dataclass(config=ConfigDict(extra="forbid"))
class Box:
    """A dataclass that refuses unknown keys."""

    width: int


class Tree(BaseModel):
    """A model that contains itself."""

    size: int
    left: Tree | None = None
    right: Tree | None = None
    others: list[Tree] = []


class Everything(BaseModel):
    """Fields of every kind that can have any number of faults."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[list[Point], Field(max_length=100_000)] = []
    choices: list[Point | Named | list[int] | dict[str, Box]] = []
    numbers: tuple[int, ...] = ()
    fixed: tuple[int, list[float]] = (1, [])
    unique: set[int] = set()
    named: dict[str, Point] = {}
    keyed: dict[int, Any] = {}
    nested: list[list[Point]] = []
    box: Box = Box(width=1)
    tree: Tree = Tree(size=1)


def lines(error: ValidationError) -> list[Any]:
    """Return the types, places and messages of faults."""
    found = error.errors(include_url=False, include_input=False)
    return [(fault["type"], fault["loc"], fault["msg"]) for fault in found]


def outcome(validate: Callable[[Any], Any], value: Any) -> Any:
    """Return a validated value, or its faults."""
    try:
        return validate(value)
    except ValidationError as error:
        return lines(error)


def branching(levels: int) -> Any:
    """Return trees without sizes, two in each."""
    return {"left": branching(levels - 1), "right": branching(levels - 1)} if levels else {}


ITEMS = 1000

BOMBS: dict[str, Any] = {
    "list of models": {"points": [{}] * ITEMS},
    "list of unions": {"choices": [{"key": 1}] * ITEMS},
    "tuple": {"numbers": ["x"] * ITEMS},
    "set": {"unique": ["x"] * ITEMS},
    "dict": {"named": {str(number): {} for number in range(ITEMS)}},
    "keys of a dict": {"keyed": {f"k{number}": 0 for number in range(ITEMS)}},
    "nested lists": {"nested": [[{}] * 40] * 40},
    "unknown keys": {f"k{number}": 0 for number in range(ITEMS)},
    "unknown keys of a dataclass": {"box": {f"k{number}": 0 for number in range(ITEMS)}},
    "recursive model": {"tree": branching(8)},
    "list of a recursive model": {"tree": {"size": 1, "others": [{}] * ITEMS}},
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_few_faults_of_many_are_built(bomb: Any) -> None:
    """The errors of a value grow with its schema, and not with the value."""
    with pytest.raises(ValidationError) as caught:
        validator_of(Everything).validate(bomb)
    assert MOST_FAULTS < caught.value.error_count() < 3 * MOST_FAULTS


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_the_faults_of_many_are_the_first(bomb: Any) -> None:
    """A reader corrects a payload from its beginning."""
    with pytest.raises(ValidationError) as every:
        Everything.model_validate(bomb)
    with pytest.raises(ValidationError) as first:
        validator_of(Everything).validate(bomb)
    assert lines(first.value)[:MOST_FAULTS] == lines(every.value)[:MOST_FAULTS]


LEAVES = st.sampled_from([1, "x", {}, {"x": 1, "why": 2}, {"name": "n"}, {"z": 1}, None, [1, "x"]])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("abx1"), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Everything.model_fields, "other"]), VALUES))
def test_values_and_faults_are_those_of_pydantic(value: Any) -> None:
    """All faults of an ordinary payload are found, with the same places and messages."""
    assert outcome(validator_of(Everything).validate, value) == outcome(
        Everything.model_validate, value
    )


@pytest.mark.parametrize("wrong", [[0], [127, 128, 129, 999], [5, 700]])
def test_faults_far_apart_keep_their_places(wrong: list[int]) -> None:
    """Validation goes on after each item with a fault."""
    validator = BoundedValidator(
        TypeAdapter(Annotated[list[int], Field(min_length=900)]).core_schema
    )
    with pytest.raises(ValidationError) as caught:
        validator.validate(["x" if number in wrong else number for number in range(1000)])
    assert [fault["loc"] for fault in caught.value.errors()] == [(number,) for number in wrong]


@pytest.mark.parametrize("wrong", [{0}, {999}, {*range(0, 1000, 11)}, {*range(1000)}])
def test_each_item_is_validated_at_most_twice(wrong: set[int]) -> None:
    """The work of a refusal is linear in the number of items."""
    visited: list[int] = []

    def check(number: int) -> int:
        visited.append(number)
        if number in wrong:
            raise ValueError("wrong")
        return number

    validator = BoundedValidator(
        TypeAdapter(list[Annotated[int, AfterValidator(check)]]).core_schema
    )
    with pytest.raises(ValidationError):
        validator.validate([*range(1000)])
    assert max(Counter(visited).values()) <= 2


def test_a_payload_is_read_until_its_first_hundred_faults() -> None:
    """A payload with a hundred thousand faults takes no more time than one with a hundred."""
    visited: list[Any] = []

    def check(value: Any) -> Any:
        visited.append(value)
        return value

    model = create_model("Model", items=list[Annotated[int, BeforeValidator(check)]])
    endpoint = BoundEndpoint(payload=model, result=model, answer=lambda _: None)
    with pytest.raises(InvalidPayload) as caught:
        validate_payload(endpoint, {"items": ["x"] * 100_000}, None)
    assert len(visited) == 1 + MOST_FAULTS + 1
    assert len(caught.value.details) == MOST_FAULTS + 1
    assert caught.value.details[-1]["msg"] == "There are more faults."
