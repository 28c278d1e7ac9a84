"""The types of array fields: `Array`, `Differentiable`, and scalars, which are arrays of rank 0.

For type checkers the value of a field is an array or a scalar of numpy, and everything can be
given, since fields cast what they are given: a protocol without members of its own accepts any
value, and has the methods of its base class. Type checkers reject such a base, and work with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeAlias, TypeVar

__all__ = [
    "Array", "Bool", "Complex64", "Complex128", "Differentiable", "Float16", "Float32", "Float64",
    "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
]  # fmt: skip

if TYPE_CHECKING:
    import numpy as np

    _T = TypeVar("_T")

    class Array(np.ndarray[Any, Any], Protocol):  # type: ignore[misc]
        """An array of numpy."""

        def __class_getitem__(cls, parameters: Any) -> Any: ...

    Differentiable: TypeAlias = Annotated[_T, "DIFFERENTIABLE"]

    class Float16(np.float16, Protocol): ...  # type: ignore[misc]

    class Float32(np.float32, Protocol): ...  # type: ignore[misc]

    class Float64(np.float64, Protocol): ...  # type: ignore[misc]

    class Int8(np.int8, Protocol): ...  # type: ignore[misc]

    class Int16(np.int16, Protocol): ...  # type: ignore[misc]

    class Int32(np.int32, Protocol): ...  # type: ignore[misc]

    class Int64(np.int64, Protocol): ...  # type: ignore[misc]

    class UInt8(np.uint8, Protocol): ...  # type: ignore[misc]

    class UInt16(np.uint16, Protocol): ...  # type: ignore[misc]

    class UInt32(np.uint32, Protocol): ...  # type: ignore[misc]

    class UInt64(np.uint64, Protocol): ...  # type: ignore[misc]

    class Bool(np.bool_, Protocol): ...  # type: ignore[misc]

    class Complex64(np.complex64, Protocol): ...  # type: ignore[misc]

    class Complex128(np.complex128, Protocol): ...  # type: ignore[misc]

else:
    from runtime_core.arrays.annotation import Array, Differentiable

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
