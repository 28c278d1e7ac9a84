"""Records as lines of JSON, and values of user code as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_core.contracts import Artifact, Metric, Parameter, Record

_LONGEST_NUMBER = 2_000  # bits; Python refuses to write some thousand digits
_DEEPEST = 50  # levels of a parameter's value; the rest is written as text


def as_json(record: Record) -> str:
    """Return a record as one line of JSON."""
    if isinstance(record, Metric):
        fields: tuple[Any, ...] = (record.key, record.value, record.step, record.timestamp)
    elif isinstance(record, Parameter):
        fields = (record.key, record.value)
    else:
        fields = (str(record.path), record.name)
    return json.dumps([type(record).__name__, *fields])


def from_json(line: str | bytes) -> Record:
    """Read a record that `as_json` has written."""
    kind, *fields = json.loads(line)
    record: Record = _READERS[kind](*fields)
    return record


_READERS: Mapping[str, Any] = {
    "Metric": lambda key, value, step, timestamp: Metric(
        key=key, value=value, step=step, timestamp=timestamp
    ),
    "Parameter": lambda key, value: Parameter(key=key, value=value),
    "Artifact": lambda path, name: Artifact(path=Path(path), name=name),
}


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
    except Exception:  # it is the author's own method
        return f"<{type(value).__name__}>"
