"""`tesseract_core.runtime.tree_transforms`: values by path, and functions of some inputs."""

from __future__ import annotations

import dataclasses
import doctest
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import BaseModel

from tesseract_core.runtime import tree_transforms
from tesseract_core.runtime.tree_transforms import (
    filter_func,
    flatten_with_paths,
    get_at_path,
    set_at_path,
)


class Layer(BaseModel):
    """A model in a tree."""

    weight: float
    named: dict[str, list[float]] = {}


class Point(NamedTuple):
    """A named tuple in a tree."""

    x: float
    y: float


class Readonly:
    """An object with an attribute that cannot be set."""

    @property
    def area(self) -> float:
        """An area."""
        return 1.0


@dataclasses.dataclass(frozen=True)
class Material:
    """A dataclass in a tree."""

    density: float
    place: Point = dataclasses.field(default_factory=lambda: Point(1.0, 2.0))


TREE: Mapping[str, Any] = {
    "a": [1.0, {"b": (2.0, 3.0)}],
    "layer": Layer(weight=0.5, named={"x.y": [7.0]}),
    "material": Material(density=8.0),
    "mesh": SimpleNamespace(size=4.0, parts=[Material(density=9.0)]),
    "vector": np.array([5.0, 6.0]),
    "matrix": np.array([[1.0, 2.0], [3.0, 4.0]]),
}

PLACES = {
    "a.[0]": 1.0,
    "a.[1].b.[1]": 3.0,
    "a.[1].{b}": (2.0, 3.0),
    "layer.weight": 0.5,
    "layer.named.{x.y}.[0]": 7.0,
    "material.density": 8.0,
    "material.place.y": 2.0,
    "material.place.[0]": 1.0,
    "mesh.size": 4.0,
    "mesh.parts.[0].density": 9.0,
    "vector.[1]": 6.0,
    "matrix.[1].[0]": 3.0,
    "": TREE,
}

NOWHERE = [
    "c", "a.[2]", "a.b", "layer.bias", "layer.named.{z}.[0]", "a.[0].[0]", "material.mass",
    "material.place.z", "material.place.[2]", "mesh.{size}", "vector.[2]", "matrix.[2]",
    "matrix.[1].[2]", "matrix.[0].[0].[0]", "vector.{0}",
]  # fmt: skip


@pytest.mark.parametrize("path", PLACES)
def test_a_value_is_found_at_its_path(path: str) -> None:
    """Paths lead through dicts, lists, objects and arrays; the empty one is the tree."""
    assert get_at_path(TREE, path) == PLACES[path]


@pytest.mark.parametrize("path", NOWHERE)
def test_a_path_that_leads_nowhere_is_reported(path: str) -> None:
    """A missing path is a `LookupError` and a `ValueError` that names it and the value."""
    with pytest.raises(
        LookupError, match=f"There is nothing at {re.escape(repr(path))}: a value of"
    ):
        get_at_path(TREE, path)
    with pytest.raises(ValueError, match="There is nothing at"):
        set_at_path(TREE, {f"{path}.inside": 1.0})


@pytest.mark.parametrize("path", ["a[0]", "a.", ".a", "a.[-1]", "a.[]"])
def test_a_text_that_is_no_path_is_reported(path: str) -> None:
    """Invalid paths are refused."""
    with pytest.raises(ValueError, match=r"Invalid path|allowed in templates"):
        get_at_path(TREE, path)


@pytest.mark.parametrize("path", PLACES)
def test_what_is_set_is_got(path: str) -> None:
    """A changed tree has the new value at the path, and the given one the old."""
    changed = set_at_path(TREE, {path: 0.25})
    assert get_at_path(changed, path) == 0.25
    assert get_at_path(TREE, path) == PLACES[path]


def test_changed_objects_keep_their_types() -> None:
    """A changed dataclass, named tuple or array is another one of its type."""
    paths = ["material.density", "material.place.x", "mesh.size", "vector.[0]"]
    changed = set_at_path(TREE, dict.fromkeys(paths, 0.5))
    assert changed["material"] == Material(density=0.5, place=Point(0.5, 2.0))
    assert changed["mesh"] == SimpleNamespace(size=0.5, parts=TREE["mesh"].parts)
    assert changed["vector"].tolist() == [0.5, 6.0]


def test_changed_arrays_of_jax_keep_their_type() -> None:
    """A changed array of JAX, which cannot be written to, is another one."""
    import jax  # takes a second, in every process that collects the tests

    tree = {"matrix": jax.numpy.array([[1.0, 2.0], [3.0, 4.0]])}
    changed = set_at_path(tree, {"matrix.[0].[0]": 0.5})["matrix"]
    assert isinstance(changed, jax.Array)
    assert changed.tolist() == [[0.5, 2.0], [3.0, 4.0]]
    assert tree["matrix"][0, 0] == 1.0


@pytest.mark.parametrize(
    ("tree", "path", "message"),
    [
        (np.array([1, 2]), "[0]", r"'\[0\]' cannot be set in a value of type ndarray: Cannot cast"),
        (Readonly(), "area", "'area' cannot be set in a value of type Readonly: property 'area'"),
        ({}, "[0]", r"There is nothing at '\[0\]': a dict has keys\."),
    ],
)
def test_values_that_cannot_be_set_are_reported(tree: Any, path: str, message: str) -> None:
    """Nothing is rounded to fit, and read-only attributes are named."""
    with pytest.raises(LookupError, match=message):
        set_at_path(tree, {path: 0.5})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_at_path(TREE, 0), r"A path is a text such as 'a\.\[0\]\.b', not 0\."),  # type: ignore[arg-type]
        (lambda: set_at_path(TREE, ["a"]), r"takes a dict of values by path, not \['a'\]\."),  # type: ignore[arg-type]
        (lambda: flatten_with_paths(TREE, "a.b"), r"include_paths takes a list .* \['a\.b'\]\."),
        (lambda: filter_func(scaled, INPUTS, "y"), "output_paths takes a list of paths"),
        (lambda: filter_func(scaled, INPUTS, None, "s"), "input_paths takes a list of paths"),
        (lambda: filter_func({}, INPUTS), r"filter_func takes a function, not {}\."),  # type: ignore[arg-type]
        (lambda: filter_func(scaled, INPUTS)(3.0), r"takes a dict of values by path, not 3\.0\."),
    ],
)
def test_wrong_arguments_are_named(call: Callable[[], object], message: str) -> None:
    """An argument of the wrong type is a `TypeError` that names it."""
    with pytest.raises(TypeError, match=message):
        call()


def test_setting_leaves_the_tree_as_it_was() -> None:
    """The given tree is not changed at any depth."""
    tree = {"a": [1, {"b": 2}], "c": 3}
    changed = set_at_path(tree, {"a.[1].b": 5, "c": 6})
    assert changed == {"a": [1, {"b": 5}], "c": 6}
    assert tree == {"a": [1, {"b": 2}], "c": 3}


def test_a_dict_takes_another_key() -> None:
    """The last key of a path may be new, in both notations."""
    changed = set_at_path({"a": {}}, {"a.{x}": 1, "a.y": 2, "b": 3})
    assert changed == {"a": {"x": 1, "y": 2}, "b": 3}


def test_values_may_be_set_into_one_another() -> None:
    """Later paths may lead into what earlier ones have set."""
    assert set_at_path({}, {"a": [1, 2], "a.[0]": 5}) == {"a": [5, 2]}


@pytest.mark.parametrize("path", ["a.[2]", "layer.bias", "c.d", "layer.[0]", "layer.named.[0]"])
def test_nothing_else_is_added(path: str) -> None:
    """Items of lists, fields of models and whole branches are not added."""
    with pytest.raises(ValueError, match="There is nothing at"):
        set_at_path(TREE, {path: 1})


def test_paths_are_flattened_in_their_order() -> None:
    """A flat dict keeps the order of the paths, so that values can be passed by position."""
    flat = flatten_with_paths(TREE, ["layer.weight", "a.[0]"])
    assert list(flat.items()) == [("layer.weight", 0.5), ("a.[0]", 1.0)]


def scaled(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return two outputs of nested inputs."""
    return {"y": inputs["s"] * inputs["n"]["x"], "z": [inputs["s"] + 1]}


INPUTS: Mapping[str, Any] = {"s": 2.0, "n": {"x": 3.0}}


def test_a_filtered_function_takes_values_by_path() -> None:
    """Some inputs are given by path, and the others are the defaults."""
    assert filter_func(scaled, INPUTS, ["y"])({"n.x": 5.0}) == {"y": 10.0}


def test_a_filtered_function_takes_values_by_position() -> None:
    """With input paths the values come in their order."""
    filtered = filter_func(scaled, INPUTS, ["z.[0]", "y"], input_paths=["n.x", "s"])
    assert filtered(5.0, 3.0) == {"z.[0]": 4.0, "y": 15.0}


def test_without_output_paths_everything_is_returned() -> None:
    """The filtered function returns all outputs."""
    assert filter_func(scaled, INPUTS)({}) == {"y": 6.0, "z": [3.0]}


def test_sets_of_paths_do() -> None:
    """Sets of paths work, as gradient functions receive them."""
    paths = {"n.x", "s"}
    filtered = filter_func(scaled, INPUTS, {"y"}, input_paths=paths)
    assert filtered(*flatten_with_paths(INPUTS, paths).values()) == {"y": 6.0}


def test_defaults_may_be_a_model() -> None:
    """The function gets a changed copy of a model, and the model keeps its values."""

    class Inputs(BaseModel):
        weight: float
        inner: Layer

    inputs = Inputs(weight=1.0, inner=Layer(weight=2.0))
    product = filter_func(lambda model: {"y": model.weight * model.inner.weight}, inputs, ["y"])
    assert product({"inner.weight": 7.0}) == {"y": 7.0}
    assert inputs.inner.weight == 2.0


@pytest.mark.parametrize(
    ("paths", "values", "message"),
    [
        (["s", "n.x"], (1.0,), r"1 values were given for 2 input paths: s, n\.x\."),
        (None, (), "0 values were given instead of one dict of values by input path"),
    ],
)
def test_wrong_number_of_values_is_reported(
    paths: list[str] | None, values: tuple[float, ...], message: str
) -> None:
    """A wrong number of values is a `ValueError` that names the paths."""
    with pytest.raises(ValueError, match=message):
        filter_func(scaled, INPUTS, input_paths=paths)(*values)


def test_jax_differentiates_a_filtered_function() -> None:
    """JAX differentiates a filtered function, by path and by position."""
    import jax  # as above

    inputs = {"s": jax.numpy.float32(2.0), "n": {"x": jax.numpy.arange(3.0)}}
    by_path = jax.jacrev(filter_func(scaled, inputs, ["y"]))({"n.x": inputs["n"]["x"]})
    np.testing.assert_array_equal(by_path["y"]["n.x"], 2 * np.eye(3))
    by_position = filter_func(scaled, inputs, ["y"], input_paths=["s"])
    _, tangent = jax.jvp(by_position, (inputs["s"],), (jax.numpy.float32(1.0),))
    np.testing.assert_array_equal(tangent["y"], [0.0, 1.0, 2.0])


def test_examples_are_right() -> None:
    """The examples in the docstrings are right."""
    results = doctest.testmod(tree_transforms)
    assert results.attempted > 5
    assert results.failed == 0
