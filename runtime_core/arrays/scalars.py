"""Scalars: arrays of rank 0, and the names of data types in `Array[shape, dtype]`.

For type checkers each is the numpy scalar type of its fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from runtime_core.arrays.annotation import Array

if TYPE_CHECKING:
    import numpy as np

    Float16: TypeAlias = np.float16
    Float32: TypeAlias = np.float32
    Float64: TypeAlias = np.float64
    Int8: TypeAlias = np.int8
    Int16: TypeAlias = np.int16
    Int32: TypeAlias = np.int32
    Int64: TypeAlias = np.int64
    UInt8: TypeAlias = np.uint8
    UInt16: TypeAlias = np.uint16
    UInt32: TypeAlias = np.uint32
    UInt64: TypeAlias = np.uint64
    Bool: TypeAlias = np.bool_
    Complex64: TypeAlias = np.complex64
    Complex128: TypeAlias = np.complex128
else:
    Float16 = Array[(), "float16"]
    Float32 = Array[(), "float32"]
    Float64 = Array[(), "float64"]
    Int8 = Array[(), "int8"]
    Int16 = Array[(), "int16"]
    Int32 = Array[(), "int32"]
    Int64 = Array[(), "int64"]
    UInt8 = Array[(), "uint8"]
    UInt16 = Array[(), "uint16"]
    UInt32 = Array[(), "uint32"]
    UInt64 = Array[(), "uint64"]
    Bool = Array[(), "bool"]
    Complex64 = Array[(), "complex64"]
    Complex128 = Array[(), "complex128"]
