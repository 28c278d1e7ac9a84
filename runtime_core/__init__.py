"""The core of the Tesseract runtime.

Everything public is here under its own name; a name is imported when it is first used, so that
a command that needs no arrays does not load numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime_core.arrays.annotation import Array, Differentiable
    from runtime_core.arrays.scalars import (
        Bool,
        Complex64,
        Complex128,
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
    from runtime_core.hookspecs import hookimpl
    from runtime_core.plugins import load_catalog
    from runtime_core.runtime import Runtime

__all__ = [
    "Array",
    "Bool",
    "Call",
    "Complex64",
    "Complex128",
    "Differentiable",
    "Fault",
    "Float16",
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Reply",
    "Runtime",
    "ShapeDType",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Wire",
    "hookimpl",
    "load_catalog",
]

_MODULES = {
    "Array": "arrays.annotation",
    "Call": "contracts",
    "Differentiable": "arrays.annotation",
    "Fault": "contracts",
    "Reply": "contracts",
    "Runtime": "runtime",
    "ShapeDType": "arrays.shape_dtype",
    "Wire": "contracts",
    "hookimpl": "hookspecs",
    "load_catalog": "plugins",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'arrays.scalars')}")
    return getattr(module, name)
