"""The outputs of an endpoint as a tree: models, dicts and lists, with values at their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core import ShapeDType
from runtime_core.paths import Field, Index, Key, Step, expand

_TEXT = (str, bytes, bytearray, memoryview)


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A value that holds others: what it is, and its children by the step that leads to each."""

    noun: str
    children: Mapping[Step, Any]


def branch(value: object) -> Branch | None:
    """Return a model, dict or list as a branch, and `None` for any other value.

    >>> branch({"x": [1]}).children
    {Key(key='x'): [1]}
    >>> branch(1.0) is None
    True
    """
    if is_array(value) or isinstance(value, _TEXT):
        return None
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return Branch(noun="object", children=dict(_fields(value)))
    if isinstance(value, Mapping):
        return Branch(noun="dict", children=_expanded(value, Key(None)))
    if isinstance(value, Sequence):
        return Branch(noun="list", children=_expanded(value, Index(None)))
    return None


def is_array(value: object) -> bool:
    """Say whether a value is an array, or the shape and data type of one."""
    return isinstance(value, np.ndarray | np.generic | ShapeDType)


def _fields(value: Any) -> Iterator[tuple[Step, Any]]:
    model = isinstance(value, BaseModel)
    names = type(value).model_fields if model else [field.name for field in fields(value)]
    yield from ((Field(name), getattr(value, name)) for name in names)
    extra = (value.model_extra if model else None) or {}
    yield from ((Field(name), child) for name, child in extra.items())


def _expanded(value: object, template: Step) -> Mapping[Step, Any]:
    return {step: child for (step,), child in expand(value, (template,))}
