"""The trace of a call: its endpoint, inputs and outputs, and the seconds of its stages."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, RootModel

from runtime_core.calls.faults import summary
from runtime_core.errors import shortened

_LONGEST_LINE = 2_000
_MOST_ITEMS = 8


class Trace:
    """The seconds that the stages of a call take, and lines on stderr if they are wanted."""

    def __init__(self, *, wanted: bool) -> None:
        self.seconds: dict[str, float] = {}
        self.wanted = wanted
        self._stage = ""
        self._start = 0.0

    def begin(self, stage: str = "") -> None:
        """End the stage that has begun, if any, and begin the next one, if it is named."""
        now = time.perf_counter()
        if self._stage:
            seconds = self.seconds[self._stage] = now - self._start
            if self.wanted:
                sys.stderr.write(f"[trace] {self._stage}: {seconds * 1e3:.3f} ms\n")
        self._stage, self._start = stage, now

    def show(self, **values: object) -> None:
        """End the stage that has begun, and write a line about each value, if they are wanted."""
        if self.wanted:
            self.begin()
            for name, value in values.items():
                sys.stderr.write(f"[trace] {name}: {outline(value)}\n")


def outline(value: object) -> str:
    """Return one line about a value, in which arrays are data type, shape and range.

    >>> import numpy as np
    >>> outline({"x": np.array([1.0, 3.0]), "n": 3, "names": ["a", "b"]})
    "{x: float64[2] from 1.0 to 3.0, n: 3, names: ['a', 'b']}"
    """
    return shortened(_text(value), _LONGEST_LINE)


def _text(value: Any) -> str:
    if isinstance(value, RootModel):
        return _text(value.root)
    if isinstance(value, BaseModel):
        return _text({**value.__dict__, **(value.model_extra or {})})
    if isinstance(value, Mapping):
        return f"{{{_listed(value, lambda key: f'{key}: {_text(value[key])}')}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{_listed(value, _text)}]"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _array_text(value) if value.shape else str(value)
    return repr(summary(value))


def _listed(items: Collection[Any], text: Callable[[Any], str]) -> str:
    """Join the texts of the first items."""
    more = [f"... {len(items)} items"] if len(items) > _MOST_ITEMS else []
    return ", ".join([*map(text, islice(items, _MOST_ITEMS)), *more])


def _array_text(array: Any) -> str:
    sizes = ", ".join(map(str, array.shape))
    has_range = getattr(array, "size", 0) and array.dtype.kind in "iuf"
    extent = f" from {array.min()} to {array.max()}" if has_range else ""
    return f"{array.dtype}[{sizes}]{extent}"
