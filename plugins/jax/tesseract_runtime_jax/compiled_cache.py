"""The cache of compiled derivatives by function, form of the inputs and paths, without JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable
from threading import Lock
from types import MethodType
from typing import Any

from cachetools import LRUCache

# Module-level, because an author's functions have no object to pass that could hold it.
# A file has few functions and paths, but each value of a Python number in its inputs is an entry.
COMPILED: LRUCache[Any, Any] = LRUCache(256)
LOCK = Lock()


def cache_key(
    transform: Hashable, function: Callable[..., Any], form: Hashable, *paths: Collection[str]
) -> tuple[Hashable, ...]:
    """Return the key of a transform of a function."""
    return identity(function), transform, form, *map(frozenset, paths)


def forget(function: Callable[..., Any]) -> None:
    """Drop all compiled derivatives of a function."""
    gone = identity(function)
    with LOCK:
        for key in [key for key in COMPILED if key[0] == gone]:
            del COMPILED[key]


def identity(function: Any) -> Hashable:
    """Return a hashable identity of a function, valid while it is alive.

    Equality is not enough: equinox modules compare their arrays. Bound methods and partial
    functions are often created anew, so they are identified by their parts.
    """
    if isinstance(function, MethodType):
        return id(function.__self__), id(function.__func__)
    if isinstance(function, functools.partial):
        arguments = (*function.args, *function.keywords.values())
        return identity(function.func), *map(id, arguments), *function.keywords
    return id(function)
