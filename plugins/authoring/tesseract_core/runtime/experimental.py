"""Functions of plugins for a `tesseract_api.py`; each is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tesseract_core.runtime.handed_on import handed_on

if TYPE_CHECKING:
    from tesseract_runtime_derived_gradients import (
        jacobian_from_jvp,
        jacobian_from_vjp,
        jvp_from_jacobian,
        vjp_from_jacobian,
    )
    from tesseract_runtime_finite_differences import (
        finite_difference_jacobian,
        finite_difference_jvp,
        finite_difference_vjp,
    )
    from tesseract_runtime_jax import set_jax_vjp_cache_size

__all__ = [
    "finite_difference_jacobian",
    "finite_difference_jvp",
    "finite_difference_vjp",
    "jacobian_from_jvp",
    "jacobian_from_vjp",
    "jvp_from_jacobian",
    "set_jax_vjp_cache_size",
    "vjp_from_jacobian",
]

__getattr__ = handed_on(
    __name__,
    {
        "finite_difference_jacobian": "tesseract_runtime_finite_differences",
        "finite_difference_jvp": "tesseract_runtime_finite_differences",
        "finite_difference_vjp": "tesseract_runtime_finite_differences",
        "jacobian_from_jvp": "tesseract_runtime_derived_gradients",
        "jacobian_from_vjp": "tesseract_runtime_derived_gradients",
        "jvp_from_jacobian": "tesseract_runtime_derived_gradients",
        "set_jax_vjp_cache_size": "tesseract_runtime_jax",
        "vjp_from_jacobian": "tesseract_runtime_derived_gradients",
    },
)
