"""The gradient backend `jax`, for files with a function `apply_jit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import PluginFault, listed
from runtime_core.gradients import HVP, SIGNATURES
from tesseract_runtime_jax.lazy_import import jax_module

FUNCTION = "apply_jit"
"""The name of the function that is traced: the Tesseract as a function of nested dicts."""

ENDPOINTS = ("abstract_eval", *SIGNATURES, HVP.endpoint)


def provide(endpoint: str, binding: Binding) -> Callable[..., Any] | Unavailable:
    """Return a function that computes an endpoint, or `Unavailable` with the reason."""
    if endpoint not in ENDPOINTS:
        return Unavailable(f"it computes nothing but {listed(ENDPOINTS)}.")
    if not callable(getattr(binding.api.module, FUNCTION, None)):
        return Unavailable(f"{binding.api.path.name} has no function {FUNCTION}.")
    try:
        functions = jax_module("endpoint_functions")
    except PluginFault as error:
        return Unavailable(str(error))
    function: Callable[..., Any] = functions.endpoint_function(endpoint, binding)
    return function
