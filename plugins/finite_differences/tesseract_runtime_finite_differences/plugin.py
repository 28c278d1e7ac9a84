"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import GradientBackend, Settings, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide gradients derived from others, and gradients of `apply` alone."""
    return (
        GradientBackend(
            name="derived",
            summary="Exact gradients, derived from those that the file defines itself.",
            provide=lazy_call("tesseract_runtime_finite_differences.derived.backend:provide"),
            auto_rank=10,
            approximates=("hessian_vector_product",),
        ),
        GradientBackend(
            name="finite-differences",
            summary="Differences of apply at neighbouring inputs, for any Tesseract.",
            provide=lazy_call("tesseract_runtime_finite_differences.backend:provide"),
            open=lazy_call("tesseract_runtime_finite_differences.backend:open_differences"),
            auto_rank=90,
        ),
    )


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the options of finite differences."""
    return (
        Settings(
            name="finite_differences",
            summary="How the backend finite-differences takes its steps.",
            load=lazy_object(
                "tesseract_runtime_finite_differences.settings:FiniteDifferencesSettings"
            ),
        ),
    )
