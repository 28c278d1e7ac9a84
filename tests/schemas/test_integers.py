"""Integers of numpy in fields of Python integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel, Field, ValidationError, create_model
from typing_extensions import TypedDict

from runtime_core import Array, Int64
from runtime_core.schemas.generated import ModelGenerator

ODD = 2**62 + 1  # a double has not enough digits for it


class Keys(TypedDict):
    """A structure with an integer."""

    n: int


@dataclass
class Point:
    """Another one."""

    n: int


def field(annotation: Any) -> Any:
    """Return a generated model with one field."""
    return ModelGenerator("Apply").model(create_model("Model", x=(annotation, ...)))


@pytest.mark.parametrize(
    "number", [np.int64(ODD), np.uint64(2**64 - 1), np.array(ODD)], ids=["int64", "uint64", "array"]
)
@pytest.mark.parametrize(
    ("annotation", "hold"),
    [
        (int, lambda n: n),
        (int | None, lambda n: n),
        (int | float, lambda n: n),
        (int | str, lambda n: n),
        (Annotated[int, Field(ge=1)], lambda n: n),
        (list[int], lambda n: [n]),
        (tuple[str, int], lambda n: ("a", n)),
        (dict[str, list[int]], lambda n: {"a": [n]}),
        (Keys, lambda n: {"n": n}),
        (Point, lambda n: {"n": n}),
    ],
)
def test_integers_of_numpy_keep_their_digits(annotation: Any, hold: Any, number: Any) -> None:
    """No digit is lost, where pydantic would read them as doubles."""
    made = field(annotation).model_validate({"x": hold(number)}).x
    wanted = hold(int(number))
    assert made == (Point(**wanted) if annotation is Point else wanted)


def test_refusals_name_the_field() -> None:
    """Limits and types of a field are those of the author."""
    with pytest.raises(ValidationError) as caught:
        field(Annotated[int, Field(ge=1)]).model_validate({"x": np.int64(0)})
    [fault] = caught.value.errors()
    assert (fault["type"], fault["loc"]) == ("greater_than_equal", ("x",))


def test_values_that_contain_themselves_are_refused() -> None:
    """A list in itself ends the search for numbers."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValidationError):
        field(list[int]).model_validate({"x": endless})


def test_models_without_integers_have_no_validator() -> None:
    """Calls without such fields cost nothing, and arrays stay arrays."""

    class Model(BaseModel):
        x: float
        y: Array[(None,), Int64]
        z: list[Int64 | int]

    made = ModelGenerator("Apply").model(Model)
    assert not made.__pydantic_decorators__.field_validators
