"""Complex numbers, of dtypes given by name: release 1.15.0 exports no scalar types for them."""

from typing import Any

from pydantic import BaseModel

from tesseract_core.runtime import Array


class Numbers(BaseModel):
    """A vector and a number of rank 0 of each complex dtype."""

    vector64: Array[(None,), "complex64"]
    vector128: Array[(None,), "complex128"]
    scalar64: Array[(), "complex64"]
    scalar128: Array[(), "complex128"]


class InputSchema(Numbers):
    """What is copied."""


class OutputSchema(Numbers):
    """The copy."""


def apply(inputs: InputSchema) -> OutputSchema:
    """Copy everything."""
    return OutputSchema(**inputs.model_dump())


def abstract_eval(abstract_inputs: InputSchema) -> dict[str, Any]:
    """The shapes and dtypes that came."""
    return abstract_inputs.model_dump()
