"""The differences between expected outputs and those that came, by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from runtime_core import ShapeDType
from runtime_core.calls.faults import summary
from runtime_core.errors import number_text, shortened
from runtime_core.paths import Path, render
from tesseract_runtime_regression_test.array_difference import array_difference
from tesseract_runtime_regression_test.tolerance import Tolerance
from tesseract_runtime_regression_test.tree import Branch, branch

_SHORT = 80
_BEFORE = 20  # characters that show where in a long text the difference is


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What is different at a path, in words."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{render(self.path) or 'outputs'}: {self.text}"


class _Nothing:
    """Stands for what one of two trees does not have."""


_NOTHING = _Nothing()


def differences(
    expected: object, got: object, tolerance: Tolerance, path: Path = ()
) -> Iterator[Difference]:
    """Yield every difference of two trees of outputs.

    >>> found = differences({"n": 1, "s": "a"}, {"n": 2, "s": "a"}, Tolerance())
    >>> [str(difference) for difference in found]
    ['{n}: expected 1, got 2']
    """
    one, other = branch(expected), branch(got)
    if one is not None and other is not None and one.noun == other.noun:
        yield from _inside(one, other, tolerance, path)
        return
    text = _leaf_difference(expected, got, tolerance)
    if text is not None:
        yield Difference(path=path, text=text)


def form_difference(expected: Any, got: Any) -> str | None:
    """Return how shape and data type of an array differ, or `None` if they do not.

    Either may be an array or a `ShapeDType`.

    >>> import numpy as np
    >>> form_difference(ShapeDType(shape=(2,), dtype="float32"), np.zeros(3))
    'expected shape (2,), got (3,); expected dtype float32, got float64'
    """
    pairs = {
        "shape": (tuple(expected.shape), tuple(got.shape)),
        "dtype": (np.dtype(expected.dtype).name, np.dtype(got.dtype).name),
    }
    wrong = [
        f"expected {noun} {one}, got {other}"
        for noun, (one, other) in pairs.items()
        if one != other
    ]
    return "; ".join(wrong) or None


def shown(value: object) -> str:
    """Return a value as a message quotes it: short ones whole, others in a word.

    >>> shown("a"), shown([1.0, 2.0])
    ("'a'", 'list of 2 items')
    """
    if isinstance(value, _Nothing):
        return "nothing"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, np.ndarray | np.generic):
        return str(value)
    if value is None or isinstance(value, bool | float | complex | str | bytes):
        return shortened(repr(value), _SHORT)
    return number_text(value) if isinstance(value, int) else str(summary(value))


def _inside(
    expected: Branch, got: Branch, tolerance: Tolerance, path: Path
) -> Iterator[Difference]:
    for step in dict.fromkeys([*expected.children, *got.children]):
        one, other = (side.children.get(step, _NOTHING) for side in (expected, got))
        yield from differences(one, other, tolerance, (*path, step))


def _leaf_difference(expected: Any, got: Any, tolerance: Tolerance) -> str | None:
    if isinstance(expected, ShapeDType) and isinstance(got, ShapeDType):
        return form_difference(expected, got)
    one, other = _numbers(expected), _numbers(got)
    if one is not None and other is not None:
        return array_difference(one, other, tolerance)
    if type(expected) is str and type(got) is str:
        return _text_difference(expected, got)
    same = one is None and other is None and bool(expected == got)
    return None if same else f"expected {shown(expected)}, got {shown(got)}"


def _numbers(value: object) -> np.ndarray[Any, Any] | None:
    """Return a number or array as an array, but no `bool`, which to Python is a number too."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, np.ndarray | np.generic | int | float | complex):
        return None
    array = np.asarray(value)
    return None if array.dtype.kind == "O" else array  # an integer that is too large for numpy


def _text_difference(expected: str, got: str) -> str | None:
    if expected == got:
        return None
    if max(len(expected), len(got)) <= _SHORT:
        return f"expected {expected!r}, got {got!r}"
    begin = max(0, _alike(expected, got) - _BEFORE)
    one, other = (shortened(text[begin:], _SHORT) for text in (expected, got))
    return f"from character {begin + 1} on, expected {one!r}, got {other!r}"


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts have in common before they differ."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
