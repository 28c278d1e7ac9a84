"""Paths: parsing and formatting, looking up and replacing values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, IntEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel

from runtime_core import paths
from runtime_core.errors import TesseractRuntimeError
from runtime_core.paths import (
    Index,
    InvalidPath,
    Key,
    Path,
    Step,
    expand,
    get,
    is_concrete,
    matches,
    parse,
    parse_template,
    pattern,
    render,
    replace,
)

FIELDS = st.from_regex(r"[^\W\d][\w·]*", fullmatch=True).filter(str.isidentifier).map(paths.Field)
INDICES = st.integers(min_value=0, max_value=10**18 - 1).map(Index)
KEYS = st.one_of(
    st.text(), st.text("{}[].\\\n\t 0a"), st.sampled_from(["", ".", "{}", "[0]", "\\", "\n", "a.b"])
).map(Key)
STEPS: st.SearchStrategy[Step] = st.one_of(FIELDS, INDICES, KEYS)
PATHS: st.SearchStrategy[Path] = st.lists(STEPS, min_size=1, max_size=6).map(tuple)


class Layer(BaseModel):
    """A model inside."""

    w: Any
    name: str = "layer"


class Named(RootModel[dict[str, Any]]):
    """A model that is a dict."""


class Tree(BaseModel):
    """A model of everything that a path can lead through."""

    layer: Layer
    layers: list[Layer] = []
    keyed: dict[Any, Any] = {}
    pair: tuple[Any, ...] = ()
    named: Named = Named({})
    maybe: Layer | None = None


def tree(**fields: Any) -> Tree:
    """Return a tree of a layer and further fields."""
    return Tree(layer=Layer(w=1), **fields)


def refusal(call: Any, *arguments: Any) -> str:
    """Return the text with which a call is refused."""
    with pytest.raises(InvalidPath) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", [paths.Field("a")]),
        ("a.b_1", [paths.Field("a"), paths.Field("b_1")]),
        ("größe", [paths.Field("größe")]),
        ("_", [paths.Field("_")]),
        ("[0].[12]", [Index(0), Index(12)]),
        ("{k}", [Key("k")]),
        ("a.{}", [paths.Field("a"), Key("")]),
        ("{a.b}.c", [Key("a.b"), paths.Field("c")]),
        ("{[0]}", [Key("[0]")]),
        (r"{\{\}}", [Key("{}")]),
        (r"{\\}", [Key("\\")]),
        (r"{\\\}}", [Key("\\}")]),
        ("{two\nlines}", [Key("two\nlines")]),
        ("{ }", [Key(" ")]),
    ],
)
def test_a_text_is_a_sequence_of_steps(text: str, steps: list[Step]) -> None:
    """Fields, indices and keys are separated by dots; braces enclose a key."""
    assert parse(text) == tuple(steps)
    assert render(steps) == text


@given(PATHS)
def test_every_path_has_a_text_that_leads_back_to_it(path: Path) -> None:
    """Any key survives: dots, braces, backslashes, newlines, nothing at all."""
    assert parse(render(path)) == path


@given(st.text("ab.[]{}01\\\n"))
def test_a_text_is_refused_or_is_the_text_of_its_path(text: str) -> None:
    """No two texts mean the same path."""
    try:
        path = parse(text)
    except InvalidPath:
        return
    assert render(path) == text


@given(PATHS, PATHS)
def test_two_paths_have_two_texts(one: Path, other: Path) -> None:
    """No two paths have the same text."""
    assert (render(one) == render(other)) is (one == other)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", 1),
        (".", 1),
        ("a.", 3),
        (".a", 1),
        ("a..b", 3),
        ("a b", 2),
        ("a\n", 2),
        ("0", 1),
        ("a.-1", 3),
        ("a[0]", 2),
        ("a.[-1]", 3),
        ("a.[01]", 3),
        ("a.[+1]", 3),
        ("a.[1.5]", 3),
        ("a.[x]", 3),
        ("a.[٣]", 3),
        ("a.[", 3),
        ("a.{k", 3),
        ("a.k}", 4),
        ("{{}", 1),
        ("{}}", 3),
        (r"{\a}", 1),
        ("{\\", 1),
    ],
)
def test_a_text_that_is_no_path_is_refused_at_its_place(text: str, character: int) -> None:
    """The error quotes the text and counts to the character that is wrong."""
    assert refusal(parse, text) == (
        f"Invalid path {text!r} at character {character}: expected a field name, [index] "
        "or {key}."
    )


def test_a_long_text_is_quoted_in_part() -> None:
    """A long text is shortened in the message."""
    assert len(refusal(parse, "a" * 10**6 + "!")) < 400


def test_a_path_beyond_the_bound_is_refused_unread() -> None:
    """A path of megabytes is neither parsed nor kept."""
    known = paths._remembered.cache_info().currsize
    assert "at most 4096 characters" in refusal(parse, "a" * 20_000_000)
    assert len(parse(".".join("a" * 2048))) == 2048
    assert paths._remembered.cache_info().currsize == known


def test_every_index_stands_in_templates_only() -> None:
    """`[]` leads to no single value."""
    assert refusal(parse, "a.[]") == ("'[]' means every index and is allowed in templates only.")


def test_an_index_of_thousands_of_digits_is_no_path() -> None:
    """No number is too long for a clear answer."""
    assert "Invalid path" in refusal(parse, f"a.[{'9' * 4000}]")


def test_a_field_may_have_any_name_that_python_allows() -> None:
    """Identifiers may have a middle dot, although it is not a letter."""
    assert "col·lecció".isidentifier()
    assert parse("col·lecció") == (paths.Field("col·lecció"),)


def test_a_refused_path_is_an_error_of_the_runtime_and_a_value_error() -> None:
    """Validators of pydantic turn a `ValueError` into a fault of the payload."""
    assert issubclass(InvalidPath, TesseractRuntimeError)
    assert issubclass(InvalidPath, ValueError)


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("a.[]", (paths.Field("a"), Index(None))),
        ("a.[2]", (paths.Field("a"), Index(2))),
        ("a.{}", (paths.Field("a"), Key(None))),
        ("a.{k}", (paths.Field("a"), Key("k"))),
        ("a.[].{}.b", (paths.Field("a"), Index(None), Key(None), paths.Field("b"))),
    ],
)
def test_a_template_leaves_indices_and_keys_open(text: str, template: Path) -> None:
    """`[]` is every index and `{}` every key."""
    assert parse_template(text) == template
    assert render(template) == text


@pytest.mark.parametrize(
    ("template", "path", "admitted"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a.[]", "a.[7]", True),
        ("a.[1]", "a.[1]", True),
        ("a.[1]", "a.[2]", False),
        ("a.[]", "a.{0}", False),
        ("a.{}", "a.{x.y}", True),
        ("a.{}", "a.{}", True),
        ("a.{}", "a.x", False),
        ("a.{}", "a.[0]", False),
        ("a.b", "a.{b}", False),
        ("a.[]", "a", False),
        ("a.[]", "a.[0].b", False),
        ("a.{}.[].w", "a.{k}.[3].w", True),
    ],
)
def test_a_template_stands_for_paths_of_its_kinds_of_steps(
    template: str, path: str, admitted: bool
) -> None:
    """A template has as many steps as its paths, each of the same kind."""
    assert matches(parse_template(template), parse(path)) is admitted


@given(PATHS, st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_template_made_of_a_path_stands_for_it(path: Path, opened: list[bool]) -> None:
    """Whichever indices and keys are left open, the path matches, and by the pattern too."""
    template = tuple(
        step if not open_ or isinstance(step, paths.Field) else type(step)(None)
        for step, open_ in zip(path, opened, strict=False)
    )
    assert matches(template, path)
    assert re.fullmatch(pattern(template), render(path))
    assert is_concrete(template) is (template == path)


@given(PATHS, PATHS)
def test_a_pattern_matches_what_its_template_stands_for(one: Path, other: Path) -> None:
    """The regular expression of OpenAPI and the check of the runtime agree."""
    template = tuple(step if isinstance(step, paths.Field) else type(step)(None) for step in one)
    assert bool(re.fullmatch(pattern(template), render(other))) is matches(template, other)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("layer.w", 1),
        ("layers.[1].w", 20),
        ("keyed.{a.b}", 2),
        ("keyed.{}", 3),
        ("keyed.{7}", 4),
        ("keyed.{inner}.{x}", 5),
        ("pair.[0]", 6),
        ("pair.[1].w", 7),
        ("named.root.{k}", 8),
        ("maybe", None),
    ],
)
def test_a_path_leads_through_models_dicts_lists_and_tuples(path: str, value: Any) -> None:
    """A field, an index or a key is one step; a root model adds `root`."""
    value_tree = tree(
        layers=[Layer(w=10), Layer(w=20)],
        keyed={"a.b": 2, "": 3, 7: 4, "inner": {"x": 5}},
        pair=(6, Layer(w=7)),
        named=Named({"k": 8}),
    )
    assert get(value_tree, parse(path)) == value


def test_a_path_leads_to_the_thing_itself() -> None:
    """Nothing on the way is copied."""
    array = np.ones(2)
    assert get(tree(pair=(array,)), parse("pair.[0]")) is array


def test_no_steps_lead_to_the_tree() -> None:
    """The empty path is the root."""
    root = tree()
    assert get(root, ()) is root


def test_a_field_may_be_a_key_of_a_dict() -> None:
    """The author's function may return a dict for a model."""
    assert get({"layer": {"w": 3}}, parse("layer.w")) == 3


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("nothing", "nothing"),
        ("model_fields_set", "model_fields_set"),
        ("layer.nothing.more", "layer.nothing"),
        ("layers.[0]", "layers.[0]"),
        ("layer.[0]", "layer.[0]"),
        ("layer.{w}", "layer.{w}"),
        ("layer.name.[0]", "layer.name.[0]"),
        ("keyed.{x}", "keyed.{x}"),
        ("keyed.[0]", "keyed.[0]"),
        ("pair.[2]", "pair.[2]"),
        ("pair.[0].[0]", "pair.[0].[0]"),
        ("pair.{0}", "pair.{0}"),
        ("named.{k}", "named.{k}"),
        ("named.root.{x}", "named.root.{x}"),
        ("maybe.w", "maybe.w"),
    ],
)
def test_a_path_to_nothing_is_refused_at_the_step_that_fails(path: str, place: str) -> None:
    """The error names the way up to the first step that leads nowhere."""
    value = tree(keyed={"k": 1}, pair=(np.ones(2), 1), named=Named({"k": 1}))
    for missing in (
        refusal(get, value, parse(path)),
        refusal(replace, value, {parse(path): 5}),
    ):
        assert re.fullmatch(
            rf"There is nothing at {re.escape(repr(place))}(: there are [02] elements)?\.", missing
        )


@pytest.mark.parametrize("path", ["a.[]", "a.{}"])
def test_a_template_leads_to_no_single_value(path: str) -> None:
    """Only `expand` follows templates."""
    value = {"a": [1] if "[" in path else {"k": 1}}
    assert refusal(get, value, parse_template(path)) == f"There is nothing at {path!r}."


def test_values_are_replaced_at_several_places() -> None:
    """Every kind of place can change, and the tree that was given stays as it was."""
    before = tree(
        layers=[Layer(w=1), Layer(w=2)],
        keyed={"a.b": 1, 7: 2},
        pair=(1, Layer(w=2)),
        named=Named({"k": 1}),
        maybe=Layer(w=3),
    )
    untouched = before.model_copy(deep=True)
    places = ["layer.w", "layers.[1].w", "keyed.{a.b}", "keyed.{7}", "pair.[0]", "pair.[1].w"]
    places += ["named.root.{k}", "maybe"]
    changed = replace(before, {parse(place): place for place in places})
    assert [get(changed, parse(place)) for place in places] == places
    assert before == untouched
    assert list(changed.keyed) == ["a.b", 7]
    assert isinstance(changed, Tree)
    assert isinstance(changed.named, Named)
    assert isinstance(changed.pair, tuple)


def test_what_does_not_change_is_not_copied() -> None:
    """Siblings of a change, and all below them, are the same objects."""
    before = tree(layers=[Layer(w=[1]), Layer(w=2)], keyed={"a": [1]}, pair=([1], [2]))
    changed = replace(before, {parse("layers.[1].w"): 5, parse("pair.[0]"): 6})
    assert changed.layers[0] is before.layers[0]
    assert changed.keyed is before.keyed
    assert changed.layer is before.layer
    assert changed.pair[1] is before.pair[1]
    assert changed.layers[1].w == 5
    assert changed.layers is not before.layers


def test_nothing_changes_without_changes() -> None:
    """No changes give the tree itself."""
    before = tree()
    assert replace(before, {}) is before


def test_the_root_can_be_replaced() -> None:
    """The empty path is the whole tree."""
    assert replace(tree(), {(): 5}) == 5


def test_a_replaced_value_is_not_validated() -> None:
    """A value can be replaced by one of another type, as abstract evaluation does."""
    changed = replace(tree(), {parse("layer.name"): 5})
    assert changed.layer.name == 5


def test_a_frozen_model_can_be_replaced() -> None:
    """A copy of a frozen model is another model."""

    class Frozen(BaseModel):
        model_config = ConfigDict(frozen=True)
        w: int

    before = Frozen(w=1)
    assert replace(before, {parse("w"): 2}).w == 2
    assert before.w == 1


def test_a_replaced_model_keeps_its_class_extras_and_aliases() -> None:
    """Paths name fields, not aliases; keys that an author allows stay."""

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        w: int = Field(alias="weights")

    changed = replace(Open.model_validate({"weights": 1, "more": 3}), {parse("w"): 2})
    assert type(changed) is Open
    assert changed.model_dump(by_alias=True) == {"weights": 2, "more": 3}


def test_a_replaced_model_forgets_what_it_had_computed() -> None:
    """A cached property belongs to the values that it was computed of."""

    class Model(BaseModel):
        w: int

        @cached_property
        def double(self) -> int:
            return 2 * self.w

    before = Model(w=1)
    assert before.double == 2
    assert replace(before, {parse("w"): 5}).double == 10


def test_a_dict_of_integer_keys_keeps_them() -> None:
    """The text of a key finds a key of another type."""
    before = {1: "a", 2: "b"}
    assert get(before, parse("{2}")) == "b"
    assert replace(before, {parse("{2}"): "c"}) == {1: "a", 2: "c"}
    assert [render(path) for path, _ in expand(before, parse_template("{}"))] == ["{1}", "{2}"]


class Color(Enum):
    """A plain enumeration."""

    red = "r"


class Level(IntEnum):
    """An enumeration of integers."""

    low = 1


@pytest.mark.parametrize("key", [Color.red, Level.low, True, 1.5, datetime(2020, 1, 2, 3), "k", -3])
def test_a_key_has_the_text_that_it_has_in_a_document(key: Any) -> None:
    """A key is found by its JSON text, whatever its type in Python."""

    class Model(BaseModel):
        keyed: dict[Any, int]

    value = Model(keyed={key: 5})
    (text,) = value.model_dump(mode="json")["keyed"]
    ((path, found),) = expand(value, parse_template("keyed.{}"))
    assert render(path) == render([paths.Field("keyed"), Key(text)])
    assert found == get(value, path) == 5


def test_a_mapping_of_another_kind_is_followed() -> None:
    """Whatever is a mapping has keys."""
    value: Mapping[str, Any] = MappingProxyType({"k": [1, 2]})
    assert get(value, parse("{k}.[1]")) == 2
    assert replace(value, {parse("{k}.[1]"): 5}) == {"k": [1, 5]}


def test_a_template_is_expanded_in_the_order_of_the_tree() -> None:
    """Each path comes with the very thing that it leads to."""
    value = tree(keyed={"b": [Layer(w=1)], "a": [Layer(w=2), Layer(w=3)]})
    found = list(expand(value, parse_template("keyed.{}.[].w")))
    assert [(render(path), leaf) for path, leaf in found] == [
        ("keyed.{b}.[0].w", 1),
        ("keyed.{a}.[0].w", 2),
        ("keyed.{a}.[1].w", 3),
    ]


@pytest.mark.parametrize(
    ("template", "expanded"),
    [
        ("layer.w", ["layer.w"]),
        ("maybe.w", []),
        ("maybe", ["maybe"]),
        ("layers.[].w", []),
        ("nothing", []),
        ("keyed.{}", []),
        ("layer.[]", []),
        ("pair.[0]", ["pair.[0]"]),
        ("pair.[2]", []),
        ("pair.[]", ["pair.[0]", "pair.[1]"]),
        ("named.root.{}", [r"named.root.{\{\}}", "named.root.{}"]),
    ],
)
def test_a_template_gives_the_paths_that_a_tree_has(template: str, expanded: list[str]) -> None:
    """What a tree lacks gives nothing, not an error."""
    value = tree(pair=(1, 2), named=Named({"{}": 1, "": 2}))
    assert [render(path) for path, _ in expand(value, parse_template(template))] == expanded


TREES = st.recursive(
    st.integers(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        inner.map(lambda w: Layer(w=w)),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(Named),
    ),
    max_leaves=8,
)


def leaves(value: Any, place: Path = ()) -> list[Path]:
    """Return the path to every integer of a tree."""
    if isinstance(value, Layer):
        return leaves(value.w, (*place, paths.Field("w")))
    if isinstance(value, Named):
        return leaves(value.root, (*place, paths.Field("root")))
    if isinstance(value, dict):
        return [path for k, v in value.items() for path in leaves(v, (*place, Key(k)))]
    if isinstance(value, list | tuple):
        return [path for i, v in enumerate(value) for path in leaves(v, (*place, Index(i)))]
    return [place]


@given(TREES)
def test_what_is_put_at_a_path_is_found_there_and_nowhere_else(value: Any) -> None:
    """Changing every second leaf changes those and leaves the others."""
    places = leaves(value)
    changes = {path: object() for path in places[::2]}
    changed = replace(value, changes)
    for path in places:
        assert get(changed, path) is changes.get(path, get(value, path))
    assert leaves(value) == places


@given(TREES)
def test_a_template_finds_all_that_it_matches(value: Any) -> None:
    """Expanding the template of a leaf gives exactly the places of the tree that match it."""
    places = leaves(value)
    assume(places != [()])
    for path in places:
        template = tuple(s if isinstance(s, paths.Field) else type(s)(None) for s in path)
        found = [p for p, leaf in expand(value, template) if isinstance(leaf, int)]
        assert found == [other for other in places if matches(template, other)]
