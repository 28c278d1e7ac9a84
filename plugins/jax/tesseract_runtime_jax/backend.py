"""The gradient backend `jax`, for files with a function `apply_jit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import PluginFault, listed
from runtime_core.gradients import HVP, SIGNATURES
from tesseract_runtime_jax.compiled_cache import forget
from tesseract_runtime_jax.lazy_import import jax_module

ENDPOINTS = ("abstract_eval", *SIGNATURES, HVP.endpoint)


@dataclass(frozen=True)
class Derivatives:
    """The derivatives of one Tesseract, which are compiled when they are first needed."""

    body: Callable[..., Any]

    def close(self) -> None:
        """Drop what has been compiled, and what `jax_apply` has kept."""
        from tesseract_runtime_jax.vjp_cache import LINEARIZED  # it loads numpy

        forget(self.body)
        LINEARIZED.clear()


def provide(
    endpoint: str, binding: Binding, body: Callable[..., Any]
) -> Callable[..., Any] | Unavailable:
    """Return a function that computes an endpoint, or `Unavailable` with the reason."""
    if endpoint not in ENDPOINTS:
        return Unavailable(f"it computes nothing but {listed(ENDPOINTS)}.")
    try:
        functions = jax_module("endpoint_functions")
    except PluginFault as error:
        return Unavailable(str(error))
    function: Callable[..., Any] = functions.endpoint_function(endpoint, binding, body)
    return function
