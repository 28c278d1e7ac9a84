"""Which arrays and models a model holds, and the paths to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: F401  # the tables name them in text
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar, Union  # noqa: F401  # same

import pytest
from pydantic import BaseModel, Field, JsonValue, RootModel  # noqa: F401  # same
from typing_extensions import TypeAliasType

from runtime_core import Array, Differentiable, Float32, Float64
from runtime_core.arrays.annotation import array_type
from runtime_core.schemas.differentiable import DifferentiableArrays
from runtime_core.schemas.walk import field_order, holds_arrays

T = TypeVar("T")

VECTOR = {"dtype": "float64", "shape": [None]}
SCALAR = {"dtype": "float32", "shape": []}


class Layer(BaseModel):
    """A model with one differentiable and one other array."""

    weights: Differentiable[Array[(None,), Float64]]
    fixed: Array[(3,), Float64]


class Box(BaseModel, Generic[T]):
    """A generic model."""

    content: T


Alias = TypeAliasType("Alias", list[Layer])
Pair = TypeAliasType("Pair", tuple[T, T], type_params=(T,))

Vector: Any = array_type((None,), "float64", ("DIFFERENTIABLE",))


def model_of(annotation: str) -> type[BaseModel]:
    """Return a model whose only field `x` has an annotation, as an author would write it."""
    namespace = {"__annotations__": {"x": annotation}, "__module__": __name__}
    return type("Model", (BaseModel,), namespace)


@pytest.mark.parametrize(
    ("annotation", "paths"),
    [
        ("Vector", ["x"]),
        ("Layer", ["x.weights"]),
        ("Optional[Vector]", ["x"]),
        ("Vector | None", ["x"]),
        ("Union[Vector, str]", ["x"]),
        ('Annotated[Vector, Field(description="d")]', ["x"]),
        ("list[Vector]", ["x.[]"]),
        ("Sequence[Vector]", ["x.[]"]),
        ("tuple[Vector, ...]", ["x.[]"]),
        ("tuple[int, Vector]", ["x.[1]"]),
        ("tuple[Layer, Vector]", ["x.[0].weights", "x.[1]"]),
        ("dict[str, Vector]", ["x.{}"]),
        ("dict[int, Layer]", ["x.{}.weights"]),
        ("Mapping[str, list[Layer]]", ["x.{}.[].weights"]),
        ("list[dict[str, list[Vector]]]", ["x.[].{}.[]"]),
        ("list[Layer | None]", ["x.[].weights"]),
        ("Optional[list[Optional[Layer]]]", ["x.[].weights"]),
        ("Box[Vector]", ["x.content"]),
        ("Box[list[Layer]]", ["x.content.[].weights"]),
        ("RootModel[dict[str, Vector]]", ["x.root.{}"]),
        ("RootModel[Layer]", ["x.root.weights"]),
        ("Alias", ["x.[].weights"]),
        ("Pair[Vector]", ["x.[0]", "x.[1]"]),
        ("Pair[Layer]", ["x.[0].weights", "x.[1].weights"]),
        ("tuple[()]", []),
        ("JsonValue", []),
        ('Literal["a", "b"]', []),
        ("dict[str, Any]", []),
        ("Any", []),
        ("Array[(3,), Float64]", []),
    ],
)
def test_paths_go_through_every_container(annotation: str, paths: list[str]) -> None:
    """Lists are `[]`, fixed tuples literal indices, dicts `{}` and root models `.root`."""
    assert DifferentiableArrays(model_of(annotation)).templates == paths


def test_arrays_are_described_by_data_type_and_shape() -> None:
    """The description of an array of any shape has no shape."""

    class Model(BaseModel):
        vector: Differentiable[Array[(None,), Float64]]
        scalar: Differentiable[Float32]
        anything: Differentiable[Array[..., Float64]]
        matrix: Differentiable[Array[(None, 3), Float32]]
        plain: Float32

    assert DifferentiableArrays(Model).described == {
        "vector": VECTOR,
        "scalar": SCALAR,
        "anything": {"dtype": "float64"},
        "matrix": {"dtype": "float32", "shape": [None, 3]},
    }


def test_members_of_a_union_are_described_together() -> None:
    """Sizes, shapes and data types are what all arrays at one path have in common."""
    flags = ("DIFFERENTIABLE",)
    pair: Any = array_type((2, 3), "float32", flags)
    wide: Any = array_type((2, 4), "float64", flags)

    class Model(BaseModel):
        ranks: Vector | pair
        sizes: pair | wide | None
        single: pair | str

    assert DifferentiableArrays(Model).described == {
        "ranks": {"dtype": "float64"},
        "sizes": {"dtype": "float64", "shape": [2, None]},
        "single": {"dtype": "float32", "shape": [2, 3]},
    }


def test_paths_are_names_of_fields() -> None:
    """An alias is for documents; a path names the field."""

    class Model(BaseModel):
        x: Differentiable[Float64] = Field(alias="eks")

    assert DifferentiableArrays(Model).templates == ["x"]
    assert field_order(Model) == {"": ["x"]}


def test_the_order_of_fields_is_told_of_every_model() -> None:
    """Clients write nested fields in the order of their declaration."""

    class Model(BaseModel):
        a: int
        inner: Layer
        lst: list[Layer]
        dct: dict[str, Layer]
        tup: tuple[int, Layer]

    names = ["weights", "fixed"]
    assert field_order(Model) == {
        "": ["a", "inner", "lst", "dct", "tup"],
        "inner": names,
        "lst.[]": names,
        "dct.{}": names,
        "tup.[1]": names,
    }


def test_an_inherited_field_has_its_place() -> None:
    """Fields of a parent come first, as pydantic has them."""

    class Model(Layer):
        a: int

    assert field_order(Model) == {"": ["weights", "fixed", "a"]}


def test_a_model_named_before_its_definition_is_found() -> None:
    """A forward reference is followed to the model that it names."""
    assert DifferentiableArrays(Early).templates == ["inner.weights"]
    assert field_order(Early) == {"": ["inner"], "inner": ["weights"]}


def test_a_nested_model_named_before_its_definition_is_found() -> None:
    """A forward reference is followed below the top too."""

    class Model(BaseModel):
        middle: Middle

    assert DifferentiableArrays(Model).templates == ["middle.inner.weights"]


class Early(BaseModel):
    """A model that names another before it is defined."""

    inner: Later


class Middle(BaseModel):
    """A model that names another before it is defined."""

    inner: Later


class Later(BaseModel):
    """A model that others name before it is defined."""

    weights: Differentiable[Array[(None,), Float64]]


@pytest.mark.parametrize(
    ("annotation", "held"),
    [
        ("Float32", True),
        ("Layer", True),
        ("list[dict[str, Layer]]", True),
        ("Optional[tuple[int, Float32]]", True),
        ("Pair[Float32]", True),
        ("int", False),
        ("list[int]", False),
        ("JsonValue", False),
        ("Box[int]", False),
        ("Any", False),
    ],
)
def test_arrays_are_found_at_any_depth(annotation: str, held: bool) -> None:
    """A type holds an array if there is one anywhere inside."""
    assert holds_arrays(model_of(annotation)) is held


def test_a_recursive_model_without_arrays_has_an_end() -> None:
    """A model that contains itself is walked through once."""

    class Node(BaseModel):
        value: int
        children: list[Node] = []

    assert not holds_arrays(Node)
    assert field_order(Node) == {"": ["value", "children"]}
