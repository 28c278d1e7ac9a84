"""Functions for endpoints of JAX models, imported from the plugin when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_runtime_jax import (
        jax_abstract_eval,
        jax_apply,
        jax_hvp,
        jax_jacobian,
        jax_jvp,
        jax_vjp,
    )

__all__ = ["jax_abstract_eval", "jax_apply", "jax_hvp", "jax_jacobian", "jax_jvp", "jax_vjp"]

__getattr__, __dir__ = lazy_exports(__name__, {"tesseract_runtime_jax": __all__})
