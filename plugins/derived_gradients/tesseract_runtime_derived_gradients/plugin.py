"""The hooks of derived gradients."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import GradientBackend, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide the backend `derived`."""
    yield GradientBackend(
        name="derived",
        summary="Exact gradients, made of those that the file defines itself.",
        provide=lazy_call("tesseract_runtime_derived_gradients.backend:provide"),
        auto_rank=10,
    )
