"""One field a dtype, in a vector and at rank 0, copied from the inputs to the outputs.

The dtype bool is given by name: release 1.15.0 exports no scalar type for it.
"""

from pydantic import BaseModel

from tesseract_core.runtime import (
    Array,
    Float16,
    Float32,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    ShapeDType,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
)


class Vectors(BaseModel):
    """A vector of each dtype."""

    float16: Array[(None,), Float16]
    float32: Array[(None,), Float32]
    float64: Array[(None,), Float64]
    int8: Array[(None,), Int8]
    int16: Array[(None,), Int16]
    int32: Array[(None,), Int32]
    int64: Array[(None,), Int64]
    uint8: Array[(None,), UInt8]
    uint16: Array[(None,), UInt16]
    uint32: Array[(None,), UInt32]
    uint64: Array[(None,), UInt64]
    bool: Array[(None,), "bool"]


class Scalars(BaseModel):
    """A number of rank 0 of each dtype."""

    float16: Float16
    float32: Float32
    float64: Float64
    int8: Int8
    int16: Int16
    int32: Int32
    int64: Int64
    uint8: UInt8
    uint16: UInt16
    uint32: UInt32
    uint64: UInt64
    bool: Array[(), "bool"]


class InputSchema(BaseModel):
    """Every dtype once as a vector and once as a number."""

    vectors: Vectors
    scalars: Scalars


class OutputSchema(BaseModel):
    """The same values."""

    vectors: Vectors
    scalars: Scalars


def apply(inputs: InputSchema) -> OutputSchema:
    """Copy everything."""
    return OutputSchema(vectors=inputs.vectors, scalars=inputs.scalars)


def abstract_eval(abstract_inputs: InputSchema) -> dict[str, dict[str, ShapeDType]]:
    """The shapes and dtypes that came."""
    return abstract_inputs.model_dump()
