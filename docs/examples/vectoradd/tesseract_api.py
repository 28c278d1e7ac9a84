"""The smallest Tesseract: a scaled sum of two vectors."""

from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Float32


class InputSchema(BaseModel):
    """The two vectors to add, and the scale of the first one."""

    a: Array[(None,), Float32] = Field(description="Scaled vector, shape (n,).")
    b: Array[(None,), Float32] = Field(description="Vector added to it, shape (n,).")
    s: Float32 = Field(description="Scale of `a`, dimensionless.", default=1.0)


class OutputSchema(BaseModel):
    """The scaled sum."""

    result: Array[(None,), Float32] = Field(description="s * a + b, shape (n,).")


def apply(inputs: InputSchema) -> OutputSchema:
    """Add `b` to `s` times `a`."""
    return OutputSchema(result=inputs.s * inputs.a + inputs.b)
