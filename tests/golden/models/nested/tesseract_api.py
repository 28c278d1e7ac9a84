"""Arrays in every kind of container, copied from the inputs to the outputs."""

from typing import Any

from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int32


class Layer(BaseModel):
    """One layer of a stack."""

    weights: Differentiable[Array[(None, 3), Float64]] = Field(description="One row a unit.")
    name: str = Field(description="What the layer is called.", default="layer")


class Settings(BaseModel):
    """What steers the calculation."""

    steps: int = Field(description="How often to repeat.", ge=0)
    scale: Float64 = Field(description="A number of rank 0.")
    title: str = "untitled"


class Containers(BaseModel):
    """Every container that may hold an array."""

    settings: Settings = Field(description="A model in a model.")
    layers: list[Layer] = Field(description="A list of models.")
    named: dict[str, Array[(None,), Float32]] = Field(description="A dict of arrays.")
    listed: list[Differentiable[Array[(None,), Float64]]] = Field(
        description="A list of differentiable arrays."
    )
    keyed: dict[str, Differentiable[Float64]] = Field(
        description="A dict of differentiable numbers of rank 0."
    )
    fixed: Array[(2, 3), Float64] = Field(description="An array of fixed shape.")
    free: Array[..., Int32] = Field(description="An array of any shape.")
    scalar: Differentiable[Array[(), Float32]] = Field(description="An array of rank 0.")
    pair: tuple[int, Array[(None,), Float64]] = Field(description="A tuple of fixed length.")
    maybe: Array[(None,), Float64] | None = Field(
        description="An array that may be left out.", default=None
    )
    count: int = Field(description="A plain number.", default=3)
    text: str = Field(description="Plain text.", default="hello")


class InputSchema(Containers):
    """What is copied."""


class OutputSchema(Containers):
    """The copy."""


def apply(inputs: InputSchema) -> OutputSchema:
    """Copy everything."""
    return OutputSchema(**inputs.model_dump())


def abstract_eval(abstract_inputs: InputSchema) -> dict[str, Any]:
    """The shapes and dtypes that came."""
    return abstract_inputs.model_dump()
