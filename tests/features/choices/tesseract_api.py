"""Optional fields, unions of models and of arrays of other rank, literals and enums."""

from enum import Enum, IntEnum
from typing import Annotated, Literal, Optional, Union

import numpy as np
from pydantic import BaseModel, Field
from tesseract_core.runtime import Array, Differentiable, Float64, Int32


class Unit(str, Enum):
    METRE = "m"
    FOOT = "ft"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: Differentiable[Float64]


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: Differentiable[Float64]


class Mesh(BaseModel):
    points: Array[(None, 2), Float64]


class Cloud(BaseModel):
    samples: Array[(None,), Int32]


class InputSchema(BaseModel):
    shape: Annotated[Union[Circle, Square], Field(discriminator="kind")]
    form: Union[Mesh, Cloud, None] = None
    values: Union[Array[(None,), Float64], Array[(None, None), Float64]] = np.zeros(2)
    offset: Optional[Array[(None,), Float64]] = None
    unit: Unit = Unit.METRE
    level: Level = Level.LOW
    method: Literal["fast", "exact", 3] = "fast"


class OutputSchema(BaseModel):
    area: Differentiable[Float64]
    shape: Union[Circle, Square]
    form: Optional[str]
    rank: int
    offset: Optional[Array[(None,), Float64]]
    unit: Unit
    level: Level
    method: Literal["fast", "exact", 3]


def apply(inputs: InputSchema) -> OutputSchema:
    shape = inputs.shape
    area = np.pi * shape.radius**2 if isinstance(shape, Circle) else shape.side**2
    names = {Mesh: "mesh", Cloud: "cloud"}
    form = next((name for model, name in names.items() if isinstance(inputs.form, model)), None)
    return OutputSchema(
        area=area * (0.09 if inputs.unit is Unit.FOOT else 1),
        shape=shape,
        form=form,
        rank=inputs.values.ndim,
        offset=inputs.offset,
        unit=inputs.unit,
        level=inputs.level,
        method=inputs.method,
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    shape = inputs.shape
    slopes = {
        "shape.radius": 2 * np.pi * getattr(shape, "radius", 0),
        "shape.side": 2 * getattr(shape, "side", 0),
    }
    return {"area": {path: slopes[path] for path in jac_inputs}}
