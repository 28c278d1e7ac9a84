"""Values of user code as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_LONGEST_NUMBER = 2_000  # bits; Python limits the decimal digits that it writes
_DEEPEST = 50  # levels of a parameter's value; the rest is written as text


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as plain JSON; any other value becomes its text.

    >>> plain({"sizes": (1, 2), "weight": 1j})
    {'sizes': [1, 2], 'weight': '1j'}
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
