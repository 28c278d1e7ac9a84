"""Records as lines of JSON, and values of user code as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from runtime_core.contracts import Artifact, Metric, Parameter, Record

_LONGEST_NUMBER = 2_000  # bits; Python limits the decimal digits that it writes
_DEEPEST = 50  # levels of a parameter's value; the rest is written as text


_KINDS: Mapping[str, Any] = {kind.__name__: kind for kind in (Metric, Parameter, Artifact)}


def as_json(record: Record) -> str:
    """Return a record as one line of JSON."""
    named = {field.name: getattr(record, field.name) for field in fields(record)}
    return json.dumps([type(record).__name__, named], default=str)  # a path is written as text


def from_json(line: str | bytes) -> Record:
    """Read a record that `as_json` has written."""
    kind, named = json.loads(line)
    if kind == Artifact.__name__:
        named["path"] = Path(named["path"])
    record: Record = _KINDS[kind](**named)
    return record


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as plain JSON; any other value becomes its text.

    >>> plain({"sizes": (1, 2), "where": Path("x")})
    {'sizes': [1, 2], 'where': 'x'}
    """
    try:
        return _plain(value, depth)
    # The methods called here may be user code, and logging must not fail the computation.
    except Exception:
        return _text(value)


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() < _LONGEST_NUMBER else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if depth < _DEEPEST and not isinstance(value, type):
        if isinstance(value, Mapping):
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(item, depth + 1) for item in value]
        if hasattr(value, "tolist"):  # numpy, JAX, torch
            return plain(value.tolist(), depth + 1)
        if hasattr(value, "model_dump"):
            return plain(value.model_dump(), depth + 1)
    return _text(value)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # the author's own method failed
        return f"<{type(value).__name__}>"
