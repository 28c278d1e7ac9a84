"""Gradients by finite differences, and gradients derived from those that a file defines.

The functions for a `tesseract_api.py` are imported when they are first used: the options of the
backends need no numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_runtime_finite_differences.derived.functions import (
        jacobian_from_jvp,
        jacobian_from_vjp,
        jvp_from_jacobian,
        vjp_from_jacobian,
    )
    from tesseract_runtime_finite_differences.functions import (
        finite_difference_jacobian,
        finite_difference_jvp,
        finite_difference_vjp,
    )

__all__ = [
    "finite_difference_jacobian",
    "finite_difference_jvp",
    "finite_difference_vjp",
    "jacobian_from_jvp",
    "jacobian_from_vjp",
    "jvp_from_jacobian",
    "vjp_from_jacobian",
]
__getattr__, __dir__ = lazy_exports(
    __name__, {".functions": __all__[:3], ".derived.functions": __all__[3:]}
)
