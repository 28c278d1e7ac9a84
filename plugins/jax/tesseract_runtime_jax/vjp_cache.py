"""The VJP cache: linearizations that `jax_apply` leaves for `jax_vjp`."""

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

    Two points are equal only if function, form and every byte of the arrays are. The hash leaves
    the bytes out: a few points are faster compared than hashed.
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
    """The use of the cache: hits, misses, entries now and at most.

    The counts begin when the cache gets its size.
    """

    hits: int
    misses: int
    entries: int
    size: int


class VjpCache:
    """Keeps the linearizations that were used last; several threads may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.resize(0)

    def resize(self, size: int) -> None:
        """Empty the cache, and let it hold another number of entries."""
        with self._lock:
            self._entries: LRUCache[Point, Linearized] = LRUCache(size)
            self._hits = self._misses = 0

    @property
    def size(self) -> int:
        """The largest number of entries."""
        return int(self._entries.maxsize)

    @property
    def info(self) -> CacheInfo:
        """The use of the cache."""
        with self._lock:
            return CacheInfo(
                hits=self._hits, misses=self._misses, entries=len(self._entries), size=self.size
            )

    def get(self, point: Point) -> Linearized | None:
        """Return the linearization at a point, if there is one, and count the hit or miss."""
        with self._lock:
            found = self._entries.get(point)
            self._hits += found is not None
            self._misses += found is None
            return found

    def put(self, point: Point, linearized: Linearized) -> None:
        """Keep a linearization in the place of the one that was not used for longest."""
        with self._lock, suppress(ValueError):  # it may have been switched off meanwhile
            self._entries[point] = linearized


# Module-level, because its size is set by a function that takes nothing else.
LINEARIZED = VjpCache()


def contents_of(array: Any) -> bytes:
    """Return the bytes of an array."""
    return np.asarray(array).tobytes()


def owned(array: Any, contents: bytes) -> np.ndarray[Any, Any]:
    """Return a read-only array of the same form on bytes that do not change.

    JAX does not say for how long it reads the arrays that it gets, and a caller may change them.
    """
    return np.ndarray(array.shape, array.dtype, buffer=contents)
