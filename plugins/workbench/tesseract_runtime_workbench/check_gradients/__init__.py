"""Checks the gradients of a Tesseract against finite differences.

The names are imported when they are first used, so that registering the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_runtime_workbench.check_gradients.check import Settings, check_gradients
    from tesseract_runtime_workbench.check_gradients.results import GradientCheck

__all__ = ["GradientCheck", "Settings", "check_gradients"]
__getattr__, __dir__ = lazy_exports(
    __name__, {".results": ["GradientCheck"], ".check": ["Settings", "check_gradients"]}
)
