"""Integers of numpy in fields of Python integers, exactly: pydantic reads them as doubles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import field_validator
from pydantic.fields import FieldInfo

from runtime_core.schemas.structures import is_structure
from runtime_core.schemas.walk import children, holds_arrays, is_model

_EXACT = frozenset({int, float, bool, str})
_KINDS = frozenset("iu")
_DEEPEST = 200  # as deep as documents are; values of Python may contain themselves


def read_integers(fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return the validator of the fields with integers, for the namespace of a generated model.

    Fields that hold arrays too are left out: their elements keep the data types of numpy.
    """
    names = [
        name
        for name, field in fields.items()
        if _has_integers(field.annotation) and not holds_arrays(field.annotation)
    ]
    if not names:
        return {}
    return {_VALIDATOR: field_validator(*names, mode="before")(classmethod(_exact_field))}


_VALIDATOR = "_read_integers"  # which no field can be called


def _has_integers(annotation: Any, seen: tuple[Any, ...] = ()) -> bool:
    if annotation is int:
        return True
    if is_model(annotation):
        return False  # it has a validator of its own
    parts = get_args(annotation)
    if is_structure(annotation) or hasattr(annotation, "__value__"):
        if annotation in seen:
            return False
        seen = (*seen, annotation)
        parts += tuple(inner for _, inner in children(annotation))
    return any(_has_integers(part, seen) for part in parts)


def _exact_field(_: Any, value: Any) -> Any:
    return exact(value)


def exact(value: Any, depth: int = 0) -> Any:
    """Return a value with Python integers for those of numpy, also in lists, tuples and dicts.

    >>> import numpy as np
    >>> exact({"n": [np.int64(2**62 + 1)]}) == {"n": [2**62 + 1]}
    True
    """
    kind = type(value)
    if kind in _EXACT or depth > _DEEPEST:
        return value
    if kind is list or kind is tuple:
        if _EXACT.issuperset(map(type, value)):
            return value
        return kind(exact(item, depth + 1) for item in value)
    if kind is dict:
        if _EXACT.issuperset(map(type, value)) and _EXACT.issuperset(map(type, value.values())):
            return value
        return {exact(key): exact(item, depth + 1) for key, item in value.items()}
    is_integer = getattr(getattr(value, "dtype", None), "kind", None) in _KINDS
    return value.item() if is_integer and value.shape == () else value
