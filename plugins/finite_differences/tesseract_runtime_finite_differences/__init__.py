"""Gradients by finite differences: functions for a `tesseract_api.py`, and a gradient backend."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesseract_runtime_finite_differences.functions import (
        finite_difference_jacobian,
        finite_difference_jvp,
        finite_difference_vjp,
    )

__all__ = ["finite_difference_jacobian", "finite_difference_jvp", "finite_difference_vjp"]


def __getattr__(name: str) -> Any:
    """Import the functions when they are first used: the options of the backend need no numpy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tesseract_runtime_finite_differences.functions"), name)
