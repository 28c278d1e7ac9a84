"""The precision in which JAX computes: 32 bits, unless `jax_enable_x64` is set."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import jax
from pydantic import BaseModel

from runtime_core.schemas import is_array, walk_schema

_DOUBLES = frozenset({"float64", "complex128"})
_SHOWN = 5


def in_64_bits() -> bool:
    """Read the precision of JAX."""
    config: Any = jax.config  # it has no types
    return bool(config.jax_enable_x64)


def warn_of_doubles(*schemas: type[BaseModel]) -> None:
    """Warn once about fields that lose precision because JAX computes in 32 bits.

    The warning names the fields of the first schema that has any.
    """
    if not in_64_bits():
        _warn(next(filter(None, map(_doubles, schemas)), ()))


@lru_cache(maxsize=64)  # called in every call
def _doubles(schema: type[BaseModel]) -> tuple[str, ...]:
    arrays = (node for node in walk_schema(schema) if is_array(node.type))
    return tuple(sorted(node.template for node in arrays if node.type.expected_dtype in _DOUBLES))


@lru_cache(maxsize=64)  # warns once, but each time if warnings are errors
def _warn(fields: tuple[str, ...]) -> None:
    if not fields:
        return
    more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
    warnings.warn(
        f"{', '.join(fields[:_SHOWN])}{more}: 64-bit numbers are declared, but JAX computes in 32 "
        'bits. Set JAX_ENABLE_X64=1, or call jax.config.update("jax_enable_x64", True) first in '
        "the file.",
        stacklevel=2,
    )
