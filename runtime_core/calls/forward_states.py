"""The store of what `apply` keeps for the gradients at the same inputs, in one process."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import RLock
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class ForwardCounts:
    """Hits and misses, entries, their bytes, and values that were too large to keep."""

    hits: int
    misses: int
    entries: int
    size: int
    refused: int


def is_wanted() -> bool:
    """Check whether the author's file may keep anything."""
    return "runtime_core.forward" in sys.modules


class ForwardStates(Generic[S]):
    """A thread-safe store of the most recently used states, bounded by `entries` and `size`.

    A state is found by any key, such as the content of inputs. `size` is in bytes.
    """

    def __init__(self, *, entries: int, size: int = sys.maxsize) -> None:
        self._lock = RLock()  # to drop a state may run code of its own
        self.resize(entries=entries, size=size)

    def resize(self, *, entries: int, size: int = sys.maxsize) -> None:
        """Drop all states, set the bounds and count from zero."""
        with self._lock:
            self._kept: OrderedDict[Hashable, tuple[S, int]] = OrderedDict()
            self.entries, self._size = entries, size
            self._used = self._hits = self._misses = self._refused = 0

    def clear(self) -> None:
        """Drop all states."""
        with self._lock:
            self._kept.clear()
            self._used = 0

    @property
    def counts(self) -> ForwardCounts:
        """The counts since the bounds were set."""
        with self._lock:
            return ForwardCounts(
                hits=self._hits,
                misses=self._misses,
                entries=len(self._kept),
                size=self._used,
                refused=self._refused,
            )

    def find(self, key: Hashable) -> S | None:
        """Return the state of a key, if there is one, and count the hit or miss."""
        with self._lock:
            found = self.peek(key)
            if found is None:
                self._misses += 1
            else:
                self._hits += 1
                self._kept.move_to_end(key)
            return found

    def peek(self, key: Hashable) -> S | None:
        """Return the state of a key, if there is one."""
        with self._lock:
            state, _ = self._kept.get(key, (None, 0))
            return state

    def put(self, key: Hashable, state: S, size: int = 0) -> bool:
        """Keep a state of a number of bytes, unless it is larger than the bound.

        The least recently used ones make room.
        """
        with self._lock:
            self._drop(key)
            if not self.entries or size > self._size:
                self._refused += 1
                return False
            while len(self._kept) >= self.entries or self._used + size > self._size:
                self._drop(next(iter(self._kept)))
            self._kept[key] = state, size
            self._used += size
            return True

    def _drop(self, key: Hashable) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self._used -= size
