"""Generic models, bare and parametrised, and root models."""

from typing import Generic, TypeVar

import numpy as np
from pydantic import BaseModel, RootModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64

T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    item: T
    label: str = "box"


class Table(RootModel[dict[str, Array[(None,), Float32]]]):
    pass


class Names(RootModel[list[str]]):
    pass


class InputSchema(BaseModel):
    vector: Box[Differentiable[Array[(None,), Float64]]]
    stacked: Box[Box[float]] = Box(item=Box(item=1.0))
    filled: Box[Array[(None,), Float64]] = Box(item=[1, 2, 3])
    many: list[Box[Array[(None,), Float64]]] = [Box(item=[4, 5])]
    table: Table = Table({})
    names: Names = Names([])


class OutputSchema(BaseModel):
    total: Box[Differentiable[Float64]]
    table: Table
    names: Names


def apply(inputs: InputSchema) -> OutputSchema:
    boxes = [inputs.vector, inputs.filled, *inputs.many]
    total = sum(np.sum(box.item) for box in boxes) * inputs.stacked.item.item
    table = {key: 2 * column for key, column in inputs.table.root.items()}
    return OutputSchema(
        total=Box(item=total, label=type(inputs.filled.item).__name__),
        table=Table(table),
        names=Names([name.upper() for name in inputs.names.root]),
    )


def jacobian(inputs, jac_inputs, jac_outputs):
    return {
        "total.item": {"vector.item": np.full(inputs.vector.item.shape, inputs.stacked.item.item)}
    }
