"""The gradient backend `by-hand`: jacobians of files that define a `derivative` of `y` by `x`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runtime_core.contracts import Binding, GradientBackend, Unavailable
from runtime_core.hookspecs import hookimpl


def provide(endpoint: str, binding: Binding) -> Callable[..., Any] | Unavailable:
    """Return a jacobian made of the file's derivative."""
    if endpoint != "jacobian":
        return Unavailable(f"by-hand computes jacobian, not {endpoint}.")
    derivative = binding.api.function("derivative")
    if isinstance(derivative, Unavailable):
        return derivative

    def jacobian(inputs: Any, jac_inputs: set[str], jac_outputs: set[str]) -> dict[str, Any]:
        return {"y": {"x": derivative(inputs.x)}}

    return jacobian


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide jacobians that the author derived by hand."""
    yield GradientBackend(name="by-hand", summary="The file's `derivative`.", provide=provide)
