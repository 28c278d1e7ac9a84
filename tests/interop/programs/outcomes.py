"""What comes of the lines of a program, as JSON, so that two environments can be compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

Lines = Mapping[str, Callable[[], Any]]


def print_outcomes(lines: Lines) -> None:
    """Run every line, and print what it gives or raises."""
    print(json.dumps({name: outcome(line) for name, line in lines.items()}))


def outcome(line: Callable[[], Any]) -> Any:
    """Return the value of a line, or the classes by which a program can catch its exception."""
    try:
        return plain(line())
    except Exception as error:
        return {"raises": [kind.__name__ for kind in CATCHABLE if isinstance(error, kind)]}


CATCHABLE = (ValidationError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""The classes by which programs catch exceptions."""


def plain(tree: Any) -> Any:
    """Return a tree in which arrays are lists beside their data types."""
    if isinstance(tree, BaseModel):
        return plain(dict(tree))
    if isinstance(tree, Mapping):
        return {str(key): plain(value) for key, value in tree.items()}
    if isinstance(tree, np.ndarray | np.generic):
        return {tree.dtype.name: tree.tolist()}
    if isinstance(tree, list | tuple | set | frozenset):
        return [plain(item) for item in tree]
    return tree if isinstance(tree, str | int | float | None) else type(tree).__name__
