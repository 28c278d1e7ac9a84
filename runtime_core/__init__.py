"""The core of the Tesseract runtime: the names that authors and embedders import.

Names are imported at their first use, so that a command without arrays does not load numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.arrays.field_types import (
        Array,
        Bool,
        Complex64,
        Complex128,
        Differentiable,
        Float16,
        Float32,
        Float64,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
    )
    from runtime_core.arrays.shape_dtype import ShapeDType
    from runtime_core.contracts import Call, Fault, Reply, Wire
    from runtime_core.forward import keep, kept
    from runtime_core.plugins import PluginSelection, load_catalog
    from runtime_core.run_logs.current_run import current_call
    from runtime_core.run_logs.log_functions import progress
    from runtime_core.runtime import Runtime

__all__ = [
    "Array", "Bool", "Call", "Complex64", "Complex128", "Differentiable", "Fault", "Float16",
    "Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "PluginSelection", "Reply", "Runtime",
    "ShapeDType", "UInt8", "UInt16", "UInt32", "UInt64", "Wire",
    "current_call", "keep", "kept", "load_catalog", "progress",
]  # fmt: skip

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        ".arrays.field_types": [
            "Array", "Bool", "Complex64", "Complex128", "Differentiable", "Float16", "Float32",
            "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
        ],
        ".arrays.shape_dtype": ["ShapeDType"],
        ".contracts": ["Call", "Fault", "Reply", "Wire"],
        ".forward": ["keep", "kept"],
        ".plugins": ["PluginSelection", "load_catalog"],
        ".run_logs.current_run": ["current_call"],
        ".run_logs.log_functions": ["progress"],
        ".runtime": ["Runtime"],
    },
)  # fmt: skip
