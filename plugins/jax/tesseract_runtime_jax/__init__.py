"""Gradients by JAX: functions for a Tesseract's file, a gradient backend and a recipe."""

from tesseract_runtime_jax.functions import (
    jax_abstract_eval,
    jax_apply,
    jax_hvp,
    jax_jacobian,
    jax_jvp,
    jax_vjp,
    jax_vjp_cache_info,
    set_jax_vjp_cache_size,
)

__all__ = [
    "jax_abstract_eval",
    "jax_apply",
    "jax_hvp",
    "jax_jacobian",
    "jax_jvp",
    "jax_vjp",
    "jax_vjp_cache_info",
    "set_jax_vjp_cache_size",
]
