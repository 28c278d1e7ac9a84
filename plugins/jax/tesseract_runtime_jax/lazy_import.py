"""Lazy imports of the modules that need JAX."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from runtime_core.distributions import install_command
from runtime_core.errors import PluginFault


@cache  # called in every call
def jax_module(module: str) -> Any:
    """Import a module of this package that needs JAX; `PluginFault` says how to install JAX."""
    try:
        import jax  # noqa: F401  # takes a second
    except ImportError as error:
        raise PluginFault(
            f"JAX cannot be imported ({error}). Install it with: "
            f"{install_command('tesseract-runtime-jax')}"
        ) from None
    return import_module(f"{__package__}.{module}")
