"""Naming a function without importing its module, for declarations that must cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pkgutil import resolve_name
from typing import Any


def deferred(target: str) -> Callable[..., Any]:
    """Return a function that imports `module:name` when it is called, and calls it.

    >>> deferred("math:sqrt")(9.0)
    3.0
    """

    def call(*arguments: Any) -> Any:
        return _resolved(target)(*arguments)

    return call


def imported(target: str) -> Callable[[], Any]:
    """Return a function that imports `module:name` when it is called, and returns it.

    >>> imported("math:pi")()
    3.141592653589793
    """
    return lambda: _resolved(target)


@cache  # a codec is asked for in every call
def _resolved(target: str) -> Any:
    return resolve_name(target)
