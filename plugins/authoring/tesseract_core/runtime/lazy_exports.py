"""Handing on names of plugins, which are imported when a name is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(module: str, packages: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module whose names come from the packages of plugins.

    `packages` maps each name to the package that has it, such as `tesseract_runtime_acme`, whose
    distribution is `tesseract-runtime-acme`. Where that is not installed, importing the name
    raises an `ImportError` that says how to install it.
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
