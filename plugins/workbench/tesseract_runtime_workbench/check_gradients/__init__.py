"""Checks the gradients of a Tesseract against finite differences.

The names are imported when they are first used, so that registering the plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesseract_runtime_workbench.check_gradients.check import Settings, check_gradients
    from tesseract_runtime_workbench.check_gradients.results import (
        Comparison,
        DotProduct,
        DotProductCheck,
        EndpointCheck,
        Failure,
        GradientCheck,
    )

__all__ = [
    "Comparison",
    "DotProduct",
    "DotProductCheck",
    "EndpointCheck",
    "Failure",
    "GradientCheck",
    "Settings",
    "check_gradients",
]

_MODULES = {"Settings": "check", "check_gradients": "check"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'results')}"), name)
