"""`tesseract_core.runtime.tree_transforms`: values by path, and functions of some inputs."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
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


TREE: Mapping[str, Any] = {
    "a": [1.0, {"b": (2.0, 3.0)}],
    "layer": Layer(weight=0.5, named={"x.y": [7.0]}),
}

PLACES = {
    "a.[0]": 1.0,
    "a.[1].b.[1]": 3.0,
    "a.[1].{b}": (2.0, 3.0),
    "layer.weight": 0.5,
    "layer.named.{x.y}.[0]": 7.0,
    "": TREE,
}

NOWHERE = ["c", "a.[2]", "a.b", "layer.bias", "layer.named.{z}.[0]", "a.[0].[0]"]


@pytest.mark.parametrize("path", PLACES)
def test_a_value_is_found_at_its_path(path: str) -> None:
    """Paths lead through dicts, lists, tuples and models; the empty one is the tree."""
    assert get_at_path(TREE, path) == PLACES[path]


@pytest.mark.parametrize("path", NOWHERE)
def test_a_path_that_leads_nowhere_is_reported(path: str) -> None:
    """A missing path is a `ValueError` that names it."""
    with pytest.raises(ValueError, match="There is nothing at"):
        get_at_path(TREE, path)


@pytest.mark.parametrize("path", ["a[0]", "a.", ".a", "a.[-1]", "a.[]"])
def test_a_text_that_is_no_path_is_reported(path: str) -> None:
    """Invalid paths are refused."""
    with pytest.raises(ValueError, match=r"Invalid path|allowed in templates"):
        get_at_path(TREE, path)


@pytest.mark.parametrize("path", PLACES)
def test_what_is_set_is_got(path: str) -> None:
    """A changed tree has the new value at the path."""
    assert get_at_path(set_at_path(TREE, {path: "new"}), path) == "new"


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
    """A model works like the dict that it dumps."""

    class Inputs(BaseModel):
        weight: float
        inner: Layer

    inputs = Inputs(weight=1.0, inner=Layer(weight=2.0))
    product = filter_func(lambda tree: {"y": tree["weight"] * tree["inner"]["weight"]}, inputs)
    assert product({"inner.weight": 7.0}) == {"y": 7.0}


def test_too_few_values_are_reported() -> None:
    """A wrong number of positional values names the paths."""
    with pytest.raises(TypeError, match=r"1 values were given for 2 input paths: s, n\.x\."):
        filter_func(scaled, INPUTS, input_paths=["s", "n.x"])(1.0)


def test_jax_differentiates_a_filtered_function() -> None:
    """JAX differentiates a filtered function, by path and by position."""
    inputs = {"s": jnp.float32(2.0), "n": {"x": jnp.arange(3.0)}}
    by_path = jax.jacrev(filter_func(scaled, inputs, ["y"]))({"n.x": inputs["n"]["x"]})
    np.testing.assert_array_equal(by_path["y"]["n.x"], 2 * np.eye(3))
    by_position = filter_func(scaled, inputs, ["y"], input_paths=["s"])
    _, tangent = jax.jvp(by_position, (inputs["s"],), (jnp.float32(1.0),))
    np.testing.assert_array_equal(tangent["y"], [0.0, 1.0, 2.0])


def test_examples_are_right() -> None:
    """The examples in the docstrings are right."""
    results = doctest.testmod(tree_transforms)
    assert results.attempted > 5
    assert results.failed == 0
