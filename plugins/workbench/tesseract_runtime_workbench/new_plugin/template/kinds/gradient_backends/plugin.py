"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import GradientBackend, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide the gradient backend."""
    yield GradientBackend(
        name="acme-example",
        summary="Products of Jacobians by two evaluations.",
        provide=lazy_call("acme_example.backend:provide"),
    )
