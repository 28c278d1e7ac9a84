"""Makes the gradients that a Tesseract lacks of those that it has.

The names are imported when they are first used, so that registering the plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesseract_runtime_derived_gradients.jacobian import jacobian_from_jvp, jacobian_from_vjp
    from tesseract_runtime_derived_gradients.products import jvp_from_jacobian, vjp_from_jacobian

__all__ = ["jacobian_from_jvp", "jacobian_from_vjp", "jvp_from_jacobian", "vjp_from_jacobian"]

_MODULES = {
    "jacobian_from_jvp": "jacobian",
    "jacobian_from_vjp": "jacobian",
    "jvp_from_jacobian": "products",
    "vjp_from_jacobian": "products",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
