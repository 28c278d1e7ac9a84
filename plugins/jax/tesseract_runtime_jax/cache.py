"""A cache of bounded size that several threads may use at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, kw_only=True)
class CacheInfo:
    """How a cache is used: what was found and missed, how much it holds and may hold.

    The counts begin when the cache gets its size.
    """

    hits: int
    misses: int
    entries: int
    size: int


class BoundedCache(Generic[K, V]):
    """Keeps the values that were used last; keys are compared by equality.

    >>> cache = BoundedCache(1)
    >>> cache.put("a", 1); cache.put("b", 2)
    >>> cache.get("a"), cache.get("b")
    (None, 2)
    """

    def __init__(self, size: int) -> None:
        self._lock = Lock()
        self._values: OrderedDict[K, V] = OrderedDict()
        self._size = size
        self._hits = self._misses = 0

    @property
    def size(self) -> int:
        """Return how many values are kept at most."""
        return self._size

    @property
    def info(self) -> CacheInfo:
        """Return how the cache is used."""
        with self._lock:
            return CacheInfo(
                hits=self._hits, misses=self._misses, entries=len(self._values), size=self._size
            )

    def get(self, key: K) -> V | None:
        """Return the value of a key, or `None`."""
        with self._lock:
            value = self._values.get(key)
            if value is None:
                self._misses += 1
            else:
                self._hits += 1
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, and let go of the ones that were not used for longest."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def resize(self, size: int) -> None:
        """Begin anew with another size."""
        with self._lock:
            self._values.clear()
            self._size = size
            self._hits = self._misses = 0
