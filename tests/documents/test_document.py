"""Documents: trees as bytes, with arrays as leaves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from runtime_core import Array, Float64, documents
from runtime_core.catalog import Catalog
from runtime_core.contracts import ArraySpec, EncodedArray
from runtime_core.errors import UnreadableDocument

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b'{"a":[1,2.5,null,true,"x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b" 5 ", 5),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"18446744073709551616", 2**64),
        (b'"\\u00e9\\ud83d\\ude00"', "\u00e9\U0001f600"),
        ("é".join('""').encode(), "é"),
    ],
)
def test_json_is_read(body: bytes, tree: Any, catalog: Catalog) -> None:
    """Integers are exact, of duplicate keys the last wins, and text is UTF-8."""
    assert documents.read(body, catalog.formats.find("json")) == tree


def test_tokens_of_other_writers_are_read(catalog: Catalog) -> None:
    """NaN and infinities as Python's own writer leaves them are floats."""
    tree = documents.read(b"[NaN,Infinity,-Infinity]", catalog.formats.find("json"))
    assert str(tree) == "[nan, inf, -inf]"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_read(kind: Any, catalog: Catalog) -> None:
    """A body may lie in any kind of memory."""
    assert documents.read(kind(b'{"a":1}'), catalog.formats.find("json")) == {"a": 1}


def test_a_part_of_a_buffer_is_read(catalog: Catalog) -> None:
    """A view of the middle of a buffer is read without what lies around it."""
    body = memoryview(b'xx{"a":1}yy')[2:-2]
    assert documents.read(body, catalog.formats.find("json")) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":}', b"{'a':1}", b"[1,]", b'{"a":1} x', b'"\xff"', b"\x00", b"nul", b"01"],
)
def test_what_is_no_json_is_refused(body: bytes, catalog: Catalog) -> None:
    """The error names the format and the place of the mistake."""
    with pytest.raises(UnreadableDocument, match=r"^The payload is not valid json: .+ at line 1"):
        documents.read(body, catalog.formats.find("json"))


@pytest.mark.parametrize("body", [b"[" * 250 + b"]" * 250, b'{"a":' * 250 + b"1" + b"}" * 250])
def test_json_beyond_200_levels_is_refused(body: bytes, catalog: Catalog) -> None:
    """Deep nesting is an error of the document and no failure of ours."""
    with pytest.raises(UnreadableDocument, match="recursion limit exceeded"):
        documents.read(body, catalog.formats.find("json"))


@given(tree=JSON_VALUES)
@settings(max_examples=80, deadline=None)
def test_a_tree_without_arrays_is_written_as_json(tree: Any) -> None:
    """Any other reader of JSON finds the same tree."""
    from runtime_core.documents.json_format import JsonDocumentCodec

    text = b"".join(JsonDocumentCodec().dumps(tree))
    assert json.loads(text) == tree


def test_floats_that_json_lacks_are_words(catalog: Catalog) -> None:
    """NaN and infinities of plain fields are strings in a standard JSON text."""
    tree = {"x": [float("nan"), float("inf"), -float("inf")]}
    text = b"".join(documents.write(tree, catalog.formats.find("json")))
    assert text == b'{"x":["NaN","Infinity","-Infinity"]}'


def leaf(buffer: Any) -> EncodedArray:
    """Return an array of a tree, whose buffer is what matters."""
    spec = ArraySpec(shape=(3,), dtype=np.dtype("int8"))
    return EncodedArray(spec, {"encoding": "base64"}, buffer)


def mapping(text: str) -> dict[str, Any]:
    """Return the document of that array."""
    return leaf(None).document(text)


def written(tree: Any, catalog: Catalog) -> Any:
    """Return the document of a tree as parsed by another JSON library."""
    return json.loads(b"".join(documents.write(tree, catalog.formats.find("json"))))


@pytest.mark.parametrize("size", [0, 4, 65_532, 65_536, 65_540, 200_000])
def test_arrays_are_written_in_their_places(size: int, catalog: Catalog) -> None:
    """The bytes of arrays are the texts of their buffers, whatever their number and size."""
    first, second = b"A" * size, b"B" * size
    tree = {"b": leaf(second), "a": [leaf(memoryview(first)), leaf(bytearray(second))], "c": "x"}
    one, two = mapping("A" * size), mapping("B" * size)
    assert written(tree, catalog) == {"b": two, "a": [one, two], "c": "x"}
    assert list(written(tree, catalog)["b"]) == ["object_type", "shape", "dtype", "data"]


def test_buffers_are_not_copied(catalog: Catalog) -> None:
    """What is written of a large array is its own memory."""
    memory = bytearray(b"A" * 100_000)
    pieces = documents.write({"x": leaf(memory)}, catalog.formats.find("json"))
    memory[:] = b"B" * 100_000
    assert json.loads(b"".join(pieces)) == {"x": mapping("B" * 100_000)}


def test_many_arrays_keep_their_places(catalog: Catalog) -> None:
    """Large and small buffers stay in their order."""
    texts = [str(number) * (40_000 if number % 3 else 1) for number in range(120)]
    tree = [leaf(text.encode()) for text in texts]
    assert written(tree, catalog) == [mapping(text) for text in texts]


def test_bytes_of_an_array_that_user_code_has_changed_are_text(catalog: Catalog) -> None:
    """In the mapping that is left of an array, its buffer is the text of the bytes."""
    large = memoryview(b"A" * 100_000)
    tree = [{"data": {"buffer": buffer}} for buffer in (b"AA", bytearray(b"AA"), large)]
    texts = ["AA", "AA", "A" * 100_000]
    assert written(tree, catalog) == [{"data": {"buffer": text}} for text in texts]


def test_a_tree_has_aliases() -> None:
    """A document names fields as their serialization aliases say."""

    class Model(BaseModel):
        x: Array[(None,), Float64] = Field(serialization_alias="out")

    tree = documents.tree_of(Model.model_validate({"x": [1]}), {"array_encoding": "json"})
    assert tree["out"]["data"] == {"encoding": "json", "buffer": [1.0]}
