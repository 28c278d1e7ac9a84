"""Naming objects without importing their module, for declarations that must cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Deferred:
    """A function that is imported when it is called for the first time, or loaded before that."""

    target: str

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return _resolved(self.target)(*arguments)

    def load(self) -> None:
        """Import the function."""
        _resolved(self.target)


def deferred(target: str) -> Deferred:
    """Return a function that imports `module:name` when it is called, and calls it.

    >>> deferred("math:sqrt")(9.0)
    3.0
    """
    return Deferred(target)


def imported(target: str) -> Callable[[], Any]:
    """Return a function that imports `module:name` when it is called, and returns it.

    >>> imported("math:pi")()
    3.141592653589793
    """
    return lambda: _resolved(target)


def exports(package: str, names: Collection[str], modules: Sequence[str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are imported when they are first used.

    A name is that of the first of the modules that has it; the others are not imported.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807  # it becomes that of the package
        for module in modules if name in names else ():
            found = import_module(f"{package}.{module}")
            if hasattr(found, name):
                return getattr(found, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__


@cache  # a codec is asked for in every call
def _resolved(target: str) -> Any:
    return resolve_name(target)
