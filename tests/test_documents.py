"""Documents: trees as bytes, with arrays spliced in beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from runtime_core import Array, Float64, documents
from runtime_core.buffers import PLACEHOLDER, Buffers
from runtime_core.catalog import Catalog
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
    from runtime_core.builtin.json_format import JsonDocumentCodec

    text = b"".join(JsonDocumentCodec().dumps(tree, {}))
    assert json.loads(text) == tree


def test_floats_that_json_lacks_are_words(catalog: Catalog) -> None:
    """NaN and infinities of plain fields are strings in a standard JSON text."""
    tree = {"x": [float("nan"), float("inf"), -float("inf")]}
    text = b"".join(documents.write(tree, catalog.formats.find("json"), {}))
    assert text == b'{"x":["NaN","Infinity","-Infinity"]}'


def test_buffers_stand_in_the_place_of_their_placeholders(catalog: Catalog) -> None:
    """The bytes of arrays are joined to the text when it is written, in any order."""
    buffers = Buffers()
    first, second = buffers.add(b"AAAA"), buffers.add(b"BBBB")
    tree = {"b": second, "a": [first, second], "c": "text"}
    text = b"".join(documents.write(tree, catalog.formats.find("json"), buffers))
    assert text == b'{"b":"BBBB","a":["AAAA","BBBB"],"c":"text"}'


def test_buffers_are_not_copied(catalog: Catalog) -> None:
    """What is written of a large array is its own memory."""
    memory = bytearray(b"A" * 100_000)
    buffers = Buffers()
    tree = {"x": buffers.add(memory)}
    pieces = documents.write(tree, catalog.formats.find("json"), buffers)
    memory[:] = b"B" * 100_000
    assert b"".join(pieces) == b'{"x":"' + b"B" * 100_000 + b'"}'


def test_many_buffers_keep_their_places(catalog: Catalog) -> None:
    """Placeholders whose numbers begin alike are told apart."""
    buffers = Buffers()
    names = [buffers.add(b"%d" % n) for n in range(120)]
    text = b"".join(documents.write(names, catalog.formats.find("json"), buffers))
    assert json.loads(text) == [str(n) for n in range(120)]


def test_a_text_like_a_placeholder_is_left_alone(catalog: Catalog) -> None:
    """A user's text is text, even in the form of a placeholder of another document."""
    buffers, others = Buffers(), Buffers()
    buffers.add(b"AAAA")
    text = others.add(b"BBBB")
    written = b"".join(documents.write([text], catalog.formats.find("json"), buffers))
    assert json.loads(written) == [text]


def test_placeholders_cannot_be_guessed() -> None:
    """Two documents never have a placeholder in common."""
    names = {Buffers().add(b"") for _ in range(100)}
    assert len(names) == 100
    assert all(PLACEHOLDER.fullmatch(name.encode()) for name in names)


def test_a_tree_has_aliases() -> None:
    """A document names fields as their serialization aliases say."""

    class Model(BaseModel):
        x: Array[(None,), Float64] = Field(serialization_alias="out")

    tree = documents.tree_of(Model.model_validate({"x": [1]}), {"array_encoding": "json"})
    assert tree["out"]["data"] == {"buffer": [1.0], "encoding": "json"}
