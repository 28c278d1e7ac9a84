"""Records that are not models: typed dicts, named tuples and dataclasses."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from typing_extensions import TypedDict


class Grid(TypedDict):
    x: Array[(None,), Float64]
    steps: int


class Span(NamedTuple):
    low: float
    high: float
    inside: Array[(None,), Float64] = np.zeros(1)


@dataclass
class Material:
    density: float
    spectrum: Array[(None,), Float64]


class InputSchema(BaseModel):
    scale: Differentiable[Float64]
    grid: Grid
    span: Span = Span(0.0, 1.0)
    material: Material


class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    grid: Grid
    span: Span
    material: Material


def apply(inputs: InputSchema) -> OutputSchema:
    span, material = inputs.span, inputs.material
    return OutputSchema(
        y=inputs.scale * inputs.grid["x"],
        grid={"x": inputs.grid["x"][::-1], "steps": inputs.grid["steps"] + 1},
        span=Span(span.low, span.high, span.inside + 1),
        material=Material(material.density, material.spectrum / 2),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"scale": inputs.grid["x"]}}
