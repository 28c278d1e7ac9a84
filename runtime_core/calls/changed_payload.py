"""Payloads that differ from a document at some paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime_core.errors import InvalidPayload
from runtime_core.paths import Field, Index, InvalidPath, Path, get, parse, replace


def changed_payload(tree: Any, changes: Mapping[str, Any]) -> Any:
    """Return the tree of a payload with other values at some paths; the key of one may be new.

    Raises `InvalidPayload` for a path that the payload does not have.

    >>> changed_payload({"inputs": {"x": [1, 2]}}, {"inputs.x.[0]": 5, "inputs.n": 3})
    {'inputs': {'x': [5, 2], 'n': 3}}
    """
    for text, value in changes.items():
        try:
            tree = _changed(tree, parse(text), value)
        except InvalidPath as error:
            detail = {"type": "invalid_path", "loc": [], "msg": str(error)}
            raise InvalidPayload([detail]) from None
    return tree


def _changed(tree: Any, path: Path, value: Any) -> Any:
    *branch, last = path
    parent = get(tree, tuple(branch))
    if not isinstance(parent, Mapping) or isinstance(last, Index):
        return replace(tree, {path: value})
    name = last.name if isinstance(last, Field) else last.key
    return replace(tree, {tuple(branch): {**parent, name: value}})
