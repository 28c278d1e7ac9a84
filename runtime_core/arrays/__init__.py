"""Arrays in pydantic models: annotations, coercion, encodings and JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.arrays.annotation import array_type
    from runtime_core.arrays.array_bytes import (
        array_of_bytes,
        bytes_of_array,
        check_packed_size,
        compressed,
        decompressed,
        owned_array_of_bytes,
        wire_order,
    )
    from runtime_core.arrays.coercion import AnyArray, Shape
    from runtime_core.arrays.encoding_schemas import data_schema
    from runtime_core.arrays.field_types import Array, Differentiable
    from runtime_core.arrays.gradient_array import GradientArray
    from runtime_core.arrays.segment import SEGMENT, Segment
    from runtime_core.arrays.shape_dtype import ShapeDType
    from runtime_core.arrays.untyped import Untyped

__all__ = [
    "AnyArray",
    "Array",
    "Differentiable",
    "GradientArray",
    "SEGMENT",
    "Segment",
    "Shape",
    "ShapeDType",
    "Untyped",
    "array_of_bytes",
    "array_type",
    "bytes_of_array",
    "check_packed_size",
    "compressed",
    "data_schema",
    "decompressed",
    "owned_array_of_bytes",
    "wire_order",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".annotation": ["array_type"],
        ".coercion": ["AnyArray", "Shape"],
        ".encoding_schemas": ["data_schema"],
        ".field_types": ["Array", "Differentiable"],
        ".gradient_array": ["GradientArray"],
        ".array_bytes": [
            "array_of_bytes",
            "bytes_of_array",
            "check_packed_size",
            "compressed",
            "decompressed",
            "owned_array_of_bytes",
            "wire_order",
        ],
        ".segment": ["SEGMENT", "Segment"],
        ".shape_dtype": ["ShapeDType"],
        ".untyped": ["Untyped"],
    },
)
