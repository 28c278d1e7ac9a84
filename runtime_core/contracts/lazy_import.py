"""References to functions of modules that are not imported yet, for declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import Any


@dataclass(frozen=True)
class LazyCall:
    """A function that is imported at its first call, or by `load`."""

    target: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function."""
        return self.load()(*arguments, **named)

    def load(self) -> Callable[..., Any]:
        """Import the function and return it."""
        function: Callable[..., Any] = _resolved(self.target)
        return function


def lazy_call(target: str) -> LazyCall:
    """Make a function that imports `module:name` at its first call.

    >>> lazy_call("math:sqrt")(9.0)
    3.0
    """
    return LazyCall(target)


def lazy_object(target: str) -> Callable[[], Any]:
    """Make a function that imports `module:name` and returns it.

    >>> lazy_object("math:pi")()
    3.141592653589793
    """
    return lambda: _resolved(target)


@cache  # codecs are loaded in every call
def _resolved(target: str) -> Any:
    module, _, name = target.partition(":")
    return attrgetter(name)(import_module(module))
