"""The types of a `tesseract_api.py`, progress, and `keep` and `kept` for the forward solve.

Names are imported when first used: files that do not keep anything do without that module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core import (
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
        ShapeDType,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        current_call,
        keep,
        kept,
        progress,
    )

__all__ = [
    "Array",
    "Bool",
    "Complex64",
    "Complex128",
    "Differentiable",
    "Float16",
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "ShapeDType",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "current_call",
    "keep",
    "kept",
    "progress",
]

__getattr__, __dir__ = lazy_exports(__name__, {"runtime_core": __all__})
