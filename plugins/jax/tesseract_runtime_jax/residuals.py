"""The VJP cache: linearizations that `jax_apply` leaves for `jax_vjp`."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tesseract_runtime_jax.cache import BoundedCache


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
    """The linear function that `jax.linearize` has made of a function at a point."""

    function: Callable[..., Any]
    linear: Callable[..., Any]


# Module-level, because its size is set by a function that takes nothing else.
LINEARIZED: BoundedCache[Point, Linearized] = BoundedCache(0)


def contents_of(array: Any) -> bytes:
    """Return the bytes of an array."""
    return np.asarray(array).tobytes()


def owned(array: Any, contents: bytes) -> np.ndarray[Any, Any]:
    """Return a read-only array of the same form on bytes that nobody can change.

    JAX does not say for how long it reads the arrays that it gets, and a caller may change them.
    """
    return np.ndarray(array.shape, array.dtype, buffer=contents)
