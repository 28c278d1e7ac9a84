"""The VJP cache: linearizations that `jax_apply` keeps for `jax_vjp`."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache


@dataclass(frozen=True, slots=True)
class Point:
    """A function at some inputs.

    Points are equal if function, form and every byte of the arrays are. The hash leaves the bytes
    out: comparing a few points is faster than hashing them.
    """

    form: Hashable
    contents: tuple[bytes, ...] = field(hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Linearized:
    """The linear function that `jax.linearize` made of a function at a point."""

    function: Callable[..., Any]
    linear: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class CacheInfo:
    """Hits and misses since the size of the cache was set, entries, and the size."""

    hits: int
    misses: int
    entries: int
    size: int


class VjpCache:
    """A thread-safe cache of the most recently used linearizations."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.resize(0)

    def resize(self, size: int) -> None:
        """Empty the cache and set its number of entries."""
        with self._lock:
            self._entries: LRUCache[Point, Linearized] = LRUCache(size)
            self._hits = self._misses = 0

    @property
    def size(self) -> int:
        """The largest number of entries."""
        return int(self._entries.maxsize)

    @property
    def info(self) -> CacheInfo:
        """The hits, misses, entries and size."""
        with self._lock:
            return CacheInfo(
                hits=self._hits, misses=self._misses, entries=len(self._entries), size=self.size
            )

    def get(self, point: Point) -> Linearized | None:
        """Look up the linearization at a point, and count the hit or miss."""
        with self._lock:
            found = self._entries.get(point)
            self._hits += found is not None
            self._misses += found is None
            return found

    def put(self, point: Point, linearized: Linearized) -> None:
        """Add a linearization; the least recently used one makes room."""
        with self._lock, suppress(ValueError):  # the cache may have been disabled meanwhile
            self._entries[point] = linearized


# Module-level, because authors set its size by a function without other arguments.
LINEARIZED = VjpCache()


def contents_of(array: Any) -> bytes:
    """Return the bytes of an array."""
    return np.asarray(array).tobytes()


def owned(array: Any, contents: bytes) -> np.ndarray[Any, Any]:
    """Make a read-only array of the same form over immutable bytes.

    JAX may read its arguments after a call has returned, when the caller may already change them.
    """
    return np.ndarray(array.shape, array.dtype, buffer=contents)
