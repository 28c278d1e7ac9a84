"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import GradientBackend, Settings, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide gradients for whatever has an `apply`."""
    return (
        GradientBackend(
            name="finite-differences",
            summary="Differences of apply at neighbouring inputs, for any Tesseract.",
            provide=lazy_call("tesseract_runtime_finite_differences.backend:provide"),
            auto_rank=90,
        ),
    )


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the options of the backend."""
    return (
        Settings(
            name="finite_differences",
            summary="How the backend finite-differences takes its steps.",
            load=lazy_object(
                "tesseract_runtime_finite_differences.settings:FiniteDifferencesSettings"
            ),
        ),
    )
