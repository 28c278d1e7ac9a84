"""Values that fit a JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from runtime_core.description.schema_example import SchemaExamples


class Colour(StrEnum):
    """Two colours."""

    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    """A model in others."""

    name: Annotated[str, Field(min_length=6, max_length=8)]
    scale: float = 2.0
    note: str | None = None


@pytest.mark.parametrize(
    ("declared", "example"),
    [
        (int, 1),
        (Annotated[int, Field(ge=3, le=10)], 6),
        (Annotated[int, Field(le=-2)], -3),
        (Annotated[float, Field(gt=1)], 2.0),
        (Annotated[float, Field(gt=0, lt=1)], 0.5),
        (Annotated[str, Field(examples=["steel", "wood"])], "steel"),
        (bool, True),
        (None, None),
        (Colour, "red"),
        (Literal["fast", "slow"], "fast"),
        (int | str, 1),
        (list[int], [1]),
        (Annotated[list[int], Field(min_length=2)], [1, 1]),
        (tuple[int, str], [1, "text"]),
        (dict[str, int], {"key": 1}),
        (Part, {"name": "textxx", "scale": 2.0}),
        (list[Part], [{"name": "textxx", "scale": 2.0}]),
        (UUID, "12345678-1234-4234-8234-123456789abc"),
        (AwareDatetime, "2030-01-31T12:00:00Z"),
    ],
)
def test_example_fits_its_schema(declared: Any, example: Any) -> None:
    """An example is a small value of the declared type, which pydantic accepts."""
    adapter = TypeAdapter(declared)
    schema = adapter.json_schema()
    made = SchemaExamples(schema.get("$defs", {})).of(schema)
    assert made == example
    adapter.validate_python(made)
