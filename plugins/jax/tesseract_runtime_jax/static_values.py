"""Cache keys for static values: everything in the inputs that is not a numeric array."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any


def token(value: Any) -> Hashable:
    """Return the cache key of a static value.

    Two keys are equal only if no function can distinguish the values. Equality of the values is
    not enough: 1 equals True, and 0.0 equals -0.0.

    >>> token(1) == token(True), token(0.0) == token(-0.0), token("a") == token("a")
    (False, False, True)
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # the most frequent type by far
    make = _TOKENS.get(kind)
    return _Other(value=value, kind=kind, text=repr(value)) if make is None else make(value)


@dataclass(frozen=True, slots=True, eq=False)
class _Other:
    """A value of any other type, compared by type, text and equality."""

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
    except Exception:  # values that cannot be compared count as different
        return False


def _typed(value: Any) -> Hashable:
    return type(value), value


def _bits(value: complex) -> Hashable:
    return type(value), struct.pack("dd", value.real, value.imag)


def _members(value: Any) -> Hashable:
    return type(value), frozenset(map(token, value))


_TOKENS: Mapping[type, Callable[[Any], Hashable]] = MappingProxyType(
    {
        bool: _typed,
        bytes: _typed,
        complex: _bits,
        float: _bits,
        frozenset: _members,
        int: _typed,
        NoneType: _typed,
        set: _members,
    }
)
