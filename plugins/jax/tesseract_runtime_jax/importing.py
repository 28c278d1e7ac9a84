"""What works with JAX, loaded when it is first needed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from runtime_core.catalog import install_command
from runtime_core.errors import PluginFault


@cache  # it is asked for in every call
def loaded(module: str) -> Any:
    """Return a module of this package that needs JAX; `PluginFault` says how to install that."""
    try:
        import jax  # noqa: F401  # it takes a second, for those who compute with it only
    except ImportError as error:
        raise PluginFault(
            f"JAX cannot be imported ({error}). Install it with: "
            f"{install_command('tesseract-runtime-jax')}"
        ) from None
    return import_module(f"{__package__}.{module}")
