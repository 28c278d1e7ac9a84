"""The VJP cache: linearizations that `jax_apply` keeps for `jax_vjp`."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runtime_core.calls import ForwardStates, current_scope


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


# Module-level, because authors set its size by a function without other arguments.
LINEARIZED = ForwardStates[Linearized](entries=0)


def cache_info() -> CacheInfo:
    """Return the hits, misses, entries and size of the cache."""
    counts = LINEARIZED.counts
    return CacheInfo(
        hits=counts.hits, misses=counts.misses, entries=counts.entries, size=LINEARIZED.entries
    )


def linearized_at(point: Point) -> Linearized | None:
    """Look up the linearization at a point; the answer of the call says whether there is one."""
    found = LINEARIZED.find(point)
    current_scope().forward_outcome = "miss" if found is None else "hit"
    return found


def keep_linearized(point: Point, linearized: Linearized) -> None:
    """Keep a linearization; the answer of the call leads the gradient to this process."""
    if LINEARIZED.put(point, linearized):
        current_scope().forward_outcome = "kept"


def contents_of(array: Any) -> bytes:
    """Return the bytes of an array."""
    return np.asarray(array).tobytes()


def owned(array: Any, contents: bytes) -> np.ndarray[Any, Any]:
    """Make a read-only array of the same form over immutable bytes.

    JAX may read its arguments after a call has returned, when the caller may already change them.
    """
    return np.ndarray(array.shape, array.dtype, buffer=contents)
