"""Results for interactive use: fields as attributes, and a short text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_MOST_ITEMS = 6  # of a list that is shown
_LONGEST_TEXT = 60  # characters


class Result(Mapping[str, Any]):
    """The result of calling a `Tesseract`: a mapping whose fields are attributes too.

    Its text has the shapes of arrays instead of their values. `dict(result)` is a plain dict.

    >>> result = Result({"y": np.zeros((2, 3)), "fit": {"error": 0.5}})
    >>> result
    Result(y=float64[2, 3], fit=Result(error=0.5))
    >>> result.fit.error
    0.5
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        return _viewed(self._fields[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._fields:
            fields = ", ".join(self._fields)
            raise AttributeError(f"The result has no field {name!r}. Fields: {fields}.")
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Result({', '.join(f'{name}={_short(self[name])}' for name in self)})"


def _viewed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Result(value)
    return [_viewed(item) for item in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, np.generic):
        return str(value)
    if isinstance(value, list):
        shown = ", ".join(map(_short, value[:_MOST_ITEMS]))
        return f"[{shown}, ... {len(value)} items]" if len(value) > _MOST_ITEMS else f"[{shown}]"
    text = repr(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
