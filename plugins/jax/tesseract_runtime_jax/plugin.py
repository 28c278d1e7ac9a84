"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import GradientBackend, Recipe, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide the backend `jax`."""
    yield GradientBackend(
        name="jax",
        summary="Exact gradients by JAX, for files with a traceable apply_jit.",
        provide=lazy_call("tesseract_runtime_jax.backend:provide"),
        open=lazy_call("tesseract_runtime_jax.backend:Derivatives"),
        bodies=("apply_jit",),
        auto_rank=20,
    )


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe `jax`."""
    yield Recipe(
        name="jax",
        summary="A Tesseract in JAX, with all gradients.",
        files=lazy_call("tesseract_runtime_jax.template:files"),
    )
