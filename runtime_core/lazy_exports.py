"""Exports of a module that are imported when first used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(
    module: str, exports: Mapping[str, Collection[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` of a module; `exports` maps modules to their names.

    A name may be `"name as alias"`, and a module relative to a package, such as `.codec`. If one is
    a package such as `tesseract_runtime_acme` that is not installed, `__getattr__` raises an
    `ImportError` with the command that installs it.

    >>> get, names = lazy_exports("xml", {".etree.ElementTree": ["Element"]})
    >>> get("Element").__module__, names()
    ('xml.etree.ElementTree', ['Element'])
    """
    sources = {
        (alias or name): (source, name)
        for source, names in exports.items()
        for name, _, alias in (each.partition(" as ") for each in names)
    }

    def get(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        source, original = sources[name]
        try:
            return getattr(import_module(source, module), original)
        except ModuleNotFoundError as error:
            if error.name != source:
                raise
            raise _not_installed(name, error.name) from None

    return get, lambda: sorted(sources)


def _not_installed(name: str, package: str) -> ImportError:
    from runtime_core.distributions import install_command  # imported for this message only

    distribution = package.replace("_", "-")
    return ImportError(
        f"{name} is part of {distribution}, which is not installed. Install it with: "
        f"{install_command(distribution)}",
        name=package,
    )
