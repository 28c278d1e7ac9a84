"""Keys of caches for static values: everything in the inputs that is not an array of numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any


def token(value: Any) -> Hashable:
    """Return the part of a cache key for a static value.

    Two tokens are equal only if no function can tell the values apart. Equality of the values
    is not enough: 1 equals True, and 0.0 equals -0.0.

    >>> token(1) == token(True), token(0.0) == token(-0.0), token("a") == token("a")
    (False, False, True)
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # by far the most frequent one
    make = _TOKENS.get(kind)
    return _Other(value=value, kind=kind, text=repr(value)) if make is None else make(value)


@dataclass(frozen=True, slots=True, eq=False)
class _Other:
    """A value of any other type: the same where it is equal and has the same type and text."""

    value: Any
    kind: type
    text: str

    def __hash__(self) -> int:
        return hash((self.kind, self.text))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Other)
            and (self.kind, self.text) == (other.kind, other.text)
            and _equal(self.value, other.value)
        )


def _equal(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # values that cannot be compared may be anything, so they differ
        return False


def _typed(value: Any) -> Hashable:
    return type(value), value


def _float_bits(value: float) -> Hashable:
    return float, struct.pack("d", value)


def _complex_bits(value: complex) -> Hashable:
    return complex, struct.pack("dd", value.real, value.imag)


def _members(value: Any) -> Hashable:
    return type(value), frozenset(map(token, value))


_TOKENS: Mapping[type, Callable[[Any], Hashable]] = MappingProxyType(
    {
        bool: _typed,
        bytes: _typed,
        complex: _complex_bits,
        float: _float_bits,
        frozenset: _members,
        int: _typed,
        NoneType: _typed,
        set: _members,
    }
)
