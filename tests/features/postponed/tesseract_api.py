"""Postponed annotations: four models deep."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64, ShapeDType


class Part(BaseModel):
    mass: Differentiable[Array[(), Float64]]
    name: str = "beam"


class Room(BaseModel):
    load: Differentiable[Array[(None,), Float64]]


class Floor(BaseModel):
    room: Room
    above: Room | None = None


class House(BaseModel):
    floor: Floor


class InputSchema(BaseModel):
    parts: list[Part]
    spare: dict[str, Part] = {}
    house: House


class OutputSchema(BaseModel):
    total: Differentiable[Array[(), Float64]]
    heaviest: Part
    names: list[str]


def apply(inputs: InputSchema) -> OutputSchema:
    parts = [*inputs.parts, *inputs.spare.values()]
    return OutputSchema(
        total=sum(part.mass for part in parts) + inputs.house.floor.room.load.sum(),
        heaviest=max(parts, key=lambda part: part.mass),
        names=[type(part).__mro__[1].__name__ + " " + part.name for part in parts],
    )


def jacobian(inputs: InputSchema, jac_inputs: set[str], jac_outputs: set[str]):
    sizes = {"house.floor.room.load": inputs.house.floor.room.load.shape}
    return {out: {path: np.ones(sizes.get(path, ())) for path in jac_inputs} for out in jac_outputs}


def jacobian_vector_product(inputs, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector):
    return {out: sum(np.sum(tangent_vector[path]) for path in jvp_inputs) for out in jvp_outputs}


def vector_jacobian_product(inputs, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector):
    blocks = jacobian(inputs, vjp_inputs, vjp_outputs)
    return {path: cotangent_vector["total"] * blocks["total"][path] for path in vjp_inputs}


def abstract_eval(abstract_inputs: InputSchema):
    number = ShapeDType(shape=(), dtype="float64")
    return {"total": number, "heaviest": {"mass": number}, "names": []}
