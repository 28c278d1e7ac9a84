"""Lets a package export names whose modules are imported at the first use of a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` of a package; `modules` maps names to its modules.

    >>> get, names = lazy_exports("xml", {"Element": "etree.ElementTree"})
    >>> get("Element").__module__, names()
    ('xml.etree.ElementTree', ['Element'])
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get, lambda: sorted(modules)
