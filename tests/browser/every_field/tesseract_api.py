"""A field of every kind, and a value of every kind in the result."""

from enum import StrEnum
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field, JsonValue

from tesseract_core.runtime import Array, Bool, Complex128, Differentiable, Float64, Int64
from tesseract_core.runtime.experimental import TesseractReference

gradient_backend = "finite-differences"


class Colour(StrEnum):
    """One of two."""

    RED = "red"
    BLUE = "blue"


class Ball(BaseModel):
    """A solid with a radius."""

    kind: Literal["ball"] = "ball"
    radius: float = Field(gt=0, json_schema_extra={"unit": "m"})


class Box(BaseModel):
    """A solid with sides."""

    kind: Literal["box"] = "box"
    sides: tuple[float, int]


class InputSchema(BaseModel):
    """Everything that a form must know."""

    vector: Differentiable[Array[(None,), Float64]] = Field(
        description="Positions.", json_schema_extra={"unit": "m"}, examples=[[1, 2, 3]]
    )
    matrix: Array[(None, 3), Float64] = Field(examples=[[[1, 2, 3], [4, 5, 6]]])
    cube: Array[(None, None, None), Float64] = np.zeros((1, 1, 2))
    anything_shaped: Array[..., Float64] = np.array([1.0, 2.0])
    whole_array: Array[(None,), Int64] = np.array([2**53 + 1])
    complex_array: Array[(None,), Complex128] = np.array([3 + 4j, 1j])
    scalar: Differentiable[Float64] = Field(1.5, description="A scalar.", ge=-5, le=5)
    flag: Bool = False
    whole: int = Field(default=3, ge=0, le=10)
    share: float = Field(default=0.5, ge=0, le=1)
    switch: bool = False
    colour: Colour = Colour.RED
    mode: Literal["a", 1] = "a"
    word: str = Field(default="w", min_length=1)
    maybe: float | None = None
    maybe_array: Array[(2,), Float64] | None = None
    solid: Annotated[Ball | Box, Field(discriminator="kind")] = Ball(radius=1)
    either: int | str | list[float] = 1
    names: list[str] = ["a"]
    table: dict[str, float] = {"k": 1.0}
    balls: list[Ball] = []
    parts: dict[str, Array[(None,), Float64]] = {}
    tree: JsonValue = None
    other: TesseractReference | None = None


class OutputSchema(BaseModel):
    """A value for every kind of picture."""

    vector: Differentiable[Array[(None,), Float64]] = Field(
        description="Twice the positions.", json_schema_extra={"unit": "m"}
    )
    matrix: Array[(None, 3), Float64]
    cube: Array[(None, None, None), Float64]
    curve: Array[(None, 2), Float64] = Field(description="A circle.")
    spiral: Array[(None, 3), Float64]
    complex_array: Array[(None,), Complex128]
    whole_array: Array[(None,), Int64]
    scalar: Differentiable[Float64] = Field(json_schema_extra={"unit": "km"})
    said: str
    inputs: str


def apply(inputs: InputSchema) -> OutputSchema:
    """Return the inputs, and some pictures."""
    if inputs.word == "boom":
        raise ValueError("the word is boom")
    angle = np.linspace(0, 2 * np.pi, 50)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    plain = inputs.model_dump_json(exclude={"vector", "matrix", "cube", "complex_array"})
    return OutputSchema(
        vector=2 * inputs.vector,
        matrix=inputs.matrix,
        cube=inputs.cube,
        curve=circle,
        spiral=np.column_stack([circle, angle]),
        complex_array=inputs.complex_array,
        whole_array=inputs.whole_array,
        scalar=inputs.scalar * float(inputs.vector.sum()),
        said=inputs.word,
        inputs=plain,
    )
