"""Fields that are computed or written in another form."""

from typing import Any

import numpy as np
from pydantic import BaseModel, computed_field, field_serializer, model_serializer
from tesseract_core.runtime import Array, Differentiable, Float64


class Norms(BaseModel):
    values: Array[(None,), Float64]

    @computed_field
    @property
    def largest(self) -> float:
        return float(np.max(self.values))


class Angle(BaseModel):
    degrees: float

    @field_serializer("degrees")
    def written(self, degrees: float) -> str:
        return f"{degrees:g} deg"


class Point(BaseModel):
    x: float
    y: float

    @model_serializer
    def written(self) -> list[float]:
        return [self.x, self.y]


class InputSchema(BaseModel):
    values: Differentiable[Array[(None,), Float64]]


class OutputSchema(BaseModel):
    norms: Norms
    angle: Angle
    point: Point
    limit: float
    total: Differentiable[Float64]

    @computed_field
    @property
    def details(self) -> dict[str, Any]:
        return {"limit": -self.limit, "points": 2}


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(
        norms=Norms(values=np.abs(inputs.values)),
        angle=Angle(degrees=45),
        point=Point(x=1, y=2),
        limit=4.5,
        total=inputs.values.sum(),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"total": {"values": np.ones_like(inputs.values)}}
