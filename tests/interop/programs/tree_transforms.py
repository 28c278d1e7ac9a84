"""Uses of `tesseract_core.runtime.tree_transforms` in files of Tesseracts."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydantic import BaseModel

from tesseract_core.runtime.tree_transforms import (
    filter_func,
    flatten_with_paths,
    get_at_path,
    set_at_path,
)
from tests.interop.programs.outcomes import print_outcomes

Point = namedtuple("Point", ["x", "y"])


@dataclass
class Mesh:
    """A mesh."""

    points: Any = field(default_factory=lambda: np.arange(3.0))


class Model(BaseModel):
    """A model."""

    a: float = 1.0
    b: list[float] = [2.0, 3.0]


TREE = {"a": [1, {"b.c": 2}], "model": Model(), "mesh": Mesh(), "point": Point(1, 2)}


def doubled(inputs: Any) -> dict[str, Any]:
    """Double the inputs that are called by name."""
    model = inputs if isinstance(inputs, Model) else Model(**inputs)
    return {"a": 2 * model.a, "b": [2 * b for b in model.b]}


LINES = {
    "item": lambda: get_at_path(TREE, "a.[0]"),
    "key with a dot": lambda: get_at_path(TREE, "a.[1].{b.c}"),
    "field of a model": lambda: get_at_path(TREE, "model.b.[1]"),
    "attribute of a dataclass": lambda: get_at_path(TREE, "mesh.points"),
    "element of an array": lambda: get_at_path(TREE, "mesh.points.[1]"),
    "field of a named tuple": lambda: get_at_path(TREE, "point.y"),
    "attribute of any object": lambda: get_at_path(SimpleNamespace(x=3), "x"),
    "root": lambda: get_at_path({"a": 1}, ""),
    "key that is not there": lambda: get_at_path({"a": 1}, "b"),
    "item that is not there": lambda: get_at_path({"a": [1]}, "a.[3]"),
    "set an item": lambda: set_at_path({"a": [1, 2]}, {"a.[1]": 5}),
    "set a field of a model": lambda: set_at_path(Model(), {"a": 5.0}),
    "set several": lambda: set_at_path({"a": {"b": 1, "c": 2}}, {"a.b": 3, "a.c": 4}),
    "set leaves the original": lambda: [set_at_path(t := {"a": 1}, {"a": 2}), t],
    "flatten": lambda: flatten_with_paths({"a": {"b": 1}, "c": [2]}, {"a.b", "c.[0]"}),
    "filter a dict": lambda: filter_func(doubled, {"a": 1.0, "b": [2.0]}, {"a"})({"a": 3.0}),
    "filter a model": lambda: filter_func(doubled, Model(), {"b.[0]"})({"b.[0]": 4.0}),
    "filter by position": lambda: filter_func(
        doubled, {"a": 1.0, "b": [2.0]}, {"a"}, input_paths=["a"]
    )(5.0),
}

if __name__ == "__main__":
    print_outcomes(LINES)
