"""The gradient backend `jax`: what a file with an `apply_jit` need not define."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import PluginFault, listed
from runtime_core.gradients import SIGNATURES
from tesseract_runtime_jax.importing import loaded

FUNCTION = "apply_jit"
"""The name of the function that is traced: the Tesseract as a function of nested dicts."""

ENDPOINTS = ("abstract_eval", *SIGNATURES)


def provide(endpoint: str, binding: Binding) -> Callable[..., Any] | Unavailable:
    """Return a function that computes an endpoint, or the reason why there can be none."""
    if endpoint not in ENDPOINTS:
        return Unavailable(f"it computes nothing but {listed(ENDPOINTS)}.")
    if not callable(getattr(binding.api.module, FUNCTION, None)):
        return Unavailable(f"{binding.api.path.name} has no function {FUNCTION}.")
    try:
        serving = loaded("serving")
    except PluginFault as error:
        return Unavailable(str(error))
    served: Callable[..., Any] = serving.served(endpoint, binding)
    return served
