"""The first faults of a value, without those that no reader would see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from runtime_core.errors import line_error

MOST_FAULTS = 100
"""Faults of a value that are reported; more do not help a reader."""

_SMALLEST_PART = 128  # items that are validated at once after one with a fault


def first_faults(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Validate a list or dict, in parts after each item with a fault.

    `validate` stops at the first item with a fault. Each item is validated at most twice.
    """
    try:
        return validate(value)
    except ValidationError as error:
        faults, title = _of_items(error) or error.errors(include_url=False), error.title
    keys = list(value) if isinstance(value, dict) else range(_length(value))
    start, size = _after(faults, keys, 0), _SMALLEST_PART
    while start < len(keys) and len(faults) <= MOST_FAULTS:
        found = _faults(_part(value, keys, start, start + size), validate)
        faults += [_moved(fault, start, keys) for fault in found]
        end = _after(faults, keys, start) if found else start + size
        start, size = end, (_SMALLEST_PART if found else 2 * size)
    raise _error(title, faults)


def truncated(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Validate a value that contains others of its type; its error has the first faults only."""
    try:
        return validate(value)
    except ValidationError as error:
        if error.error_count() <= MOST_FAULTS:
            raise
        raise _error(error.title, error.errors(include_url=False)) from None


def few_keys(known: Collection[str], value: Any) -> Any:
    """Return an object with its known keys and at most a hundred others, which are all faults."""
    if type(value) is not dict or len(value) <= len(known) + MOST_FAULTS:
        return value
    unknown = islice((key for key in value if key not in known), MOST_FAULTS + 1)
    return {key: value[key] for key in (*(known & value.keys()), *unknown)}


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else 0


def _part(value: Any, keys: Sequence[Any], start: int, end: int) -> Any:
    return {k: value[k] for k in keys[start:end]} if isinstance(value, dict) else value[start:end]


def _faults(part: Any, validate: Callable[[Any], Any]) -> list[Any]:
    """Return the faults of the first item of a part that has some."""
    try:
        validate(part)
    except ValidationError as error:
        return _of_items(error)
    return []


def _of_items(error: ValidationError) -> list[Any]:
    """Return the faults of items; others are about the number of valid items."""
    return [fault for fault in error.errors(include_url=False) if fault["loc"]]


def _moved(fault: Any, start: int, keys: Sequence[Any]) -> Any:
    """Return a fault of a part with its place in the whole."""
    position, *rest = fault["loc"]
    return {**fault, "loc": (start + position, *rest)} if isinstance(keys, range) else fault


def _after(faults: Sequence[Any], keys: Sequence[Any], start: int) -> int:
    """Return the position after the item with the last fault, or that of the end."""
    place = faults[-1]["loc"]
    if not place:
        return len(keys)
    if isinstance(keys, range):
        return int(place[0]) + 1
    found = (i for i in range(start, len(keys)) if str(keys[i]) == str(place[0]))
    return next(found, len(keys)) + 1


def _error(title: str, faults: Sequence[Any]) -> ValidationError:
    lines = [line_error(fault) for fault in faults[: MOST_FAULTS + 1]]
    return ValidationError.from_exception_data(title, lines)
