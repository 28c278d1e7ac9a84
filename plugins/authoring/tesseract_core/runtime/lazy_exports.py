"""Exports of names of plugins, which are imported when a name is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(module: str, packages: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module that exports names of plugins.

    `packages` maps each name to its package, such as `tesseract_runtime_acme` of the distribution
    `tesseract-runtime-acme`. If that is not installed, importing the name raises an `ImportError`
    with the command that installs it.
    """

    def get(name: str) -> Any:
        if name not in packages:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        package = packages[name]
        try:
            return getattr(import_module(package), name)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            from runtime_core.catalog import install_command  # for this message alone

            distribution = package.replace("_", "-")
            raise ImportError(
                f"{name} is part of {distribution}, which is not installed. Install it with: "
                f"{install_command(distribution)}",
                name=package,
            ) from None

    return get
