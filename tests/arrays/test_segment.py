"""Arrays in shared memory: written at places, and copied out before they are used."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, JsonValue, ValidationError

from runtime_core import Array, Float64, Int8
from runtime_core.arrays import SEGMENT, Segment
from runtime_core.errors import UnreadableDocument

N = 10_000


class Pair(BaseModel):
    """Two arrays and a number."""

    first: Array[(None,), Float64]
    second: Array[..., Float64]
    number: Float64


@pytest.fixture
def memory() -> bytearray:
    """Return memory for two arrays and a bit more."""
    return bytearray(2 * 8 * N + 64)


def pair(first: Any, second: Any = (0.0,)) -> Pair:
    """Return two arrays and a number."""
    return Pair(first=first, second=second, number=0.5)


def context(memory: bytearray) -> dict[str, Any]:
    """Return the context of one document."""
    return {SEGMENT: Segment(memoryview(memory))}


def test_arrays_come_back_from_their_places(memory: bytearray) -> None:
    """Large arrays are written one after another, small ones into the document."""
    both = pair(np.arange(float(N)), np.ones((N, 1)))
    text = both.model_dump_json(context=context(memory))
    document = json.loads(text)
    data = [document[name]["data"] for name in ("first", "second", "number")]
    assert data[0] == {"buffer": f"0:{8 * N}", "encoding": "segment"}
    assert data[1] == {"buffer": f"{8 * N}:{8 * N}", "encoding": "segment"}
    assert data[2] == {"buffer": 0.5, "encoding": "json"}
    again = Pair.model_validate(document, context=context(memory))
    assert np.array_equal(again.first, both.first)
    assert np.array_equal(again.second, both.second)


def test_array_does_not_change_with_the_memory(memory: bytearray) -> None:
    """What is validated is a copy, which belongs to its reader."""
    document = pair(np.ones(N)).model_dump(mode="json", context=context(memory))
    first = Pair.model_validate(document, context=context(memory)).first
    memory[:] = bytes(len(memory))
    assert first.sum() == N
    assert first.flags.writeable


def test_arrays_without_room_stay_in_the_document(memory: bytearray) -> None:
    """The third of three arrays has no room; its encoding is that of the context."""
    options = {**context(memory), "array_encoding": "base64"}
    for expected in ("segment", "segment", "base64"):
        document = pair(np.ones(N)).model_dump(mode="json", context=options)
        assert document["first"]["data"]["encoding"] == expected


def test_values_are_checked_as_in_any_encoding(memory: bytearray) -> None:
    """A data type that does not fit is refused."""

    class Small(BaseModel):
        x: Array[(None,), Int8]

    array = pair(np.ones(N)).model_dump(mode="json", context=context(memory))
    with pytest.raises(ValidationError, match="cannot be safely cast to 'int8'"):
        Small.model_validate({"x": array["first"]}, context=context(memory))


def test_encoding_is_unknown_without_a_segment() -> None:
    """Plain user code can neither write nor read it."""
    data = {"buffer": "0:1", "encoding": SEGMENT}
    with pytest.raises(ValidationError, match="Unknown array encoding 'segment'"):
        Pair.model_validate({"first": {"shape": [1], "dtype": "int8", "data": data}})
    with pytest.raises(ValueError, match="Unknown array encoding 'segment'"):
        pair([1.0]).model_dump_json(context={"array_encoding": SEGMENT})


def test_memory_is_not_used_twice(memory: bytearray) -> None:
    """Arrays that user code may see take no more bytes than the segment has."""
    data = {"buffer": f"0:{8 * N}", "encoding": SEGMENT}
    segment = Segment(memoryview(memory))
    with pytest.raises(UnreadableDocument, match="take 240000 bytes of a segment of 160064 bytes"):
        segment.inline([[data], {"x": [data, 1, None, {"data": data}]}])
    assert data["encoding"] == SEGMENT


def test_user_code_sees_base64(memory: bytearray) -> None:
    """Documents that user code may see, as in a `JsonValue`, are complete."""

    class Tree(BaseModel):
        tree: JsonValue

    document = pair(np.ones(N)).model_dump(mode="json", context=context(memory))
    Segment(memoryview(memory)).inline(document)
    seen = Tree.model_validate({"tree": document}).tree
    assert Pair.model_validate(seen).first.sum() == N
