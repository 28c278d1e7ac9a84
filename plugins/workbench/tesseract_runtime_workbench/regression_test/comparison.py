"""The comparison of expected outputs with actual ones: every difference, by path."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core import ShapeDType
from runtime_core.calls import summary
from runtime_core.errors import shortened
from runtime_core.paths import Field, Index, Key, Path, Step, expand, render

_Array = np.ndarray[Any, Any]

_SHOWN = 5  # elements of an array; more are no help
_SHORT = 80
_BEFORE = 20  # characters of a long text before the first difference


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """An absolute tolerance, and one relative to the expected number."""

    atol: float = 1e-8
    rtol: float = 1e-5

    def close(self, expected: _Array, got: _Array) -> _Array:
        """Compare the elements of two arrays of one shape.

        Integers and booleans must be equal. NaN equals NaN, an infinity only itself.

        >>> import numpy as np
        >>> Tolerance(atol=0.1).close(np.array([1.0, 2.0, np.nan]), np.array([1.05, 3, np.nan]))
        array([ True, False,  True])
        """
        if _are_integers(expected, got):
            return np.asarray(expected == got)
        one, other = got.astype(_wide(got)), expected.astype(_wide(expected))
        with np.errstate(all="ignore"):
            close = np.isclose(one, other, rtol=self.rtol, atol=self.atol, equal_nan=True)
        return np.asarray(close)

    def __str__(self) -> str:
        return f"{self.atol:g} + {self.rtol:g} * |expected|"


def differences(
    expected: object, got: object, tolerance: Tolerance, path: Path = ()
) -> Iterator[str]:
    """Yield every difference of two trees of outputs.

    >>> list(differences({"n": 1, "s": "a"}, {"n": 2, "s": "a"}, Tolerance()))
    ['{n}: expected 1, got 2']
    """
    one, other = branches(expected), branches(got)
    if one is not None and other is not None and one[0] == other[0]:
        for step in {**one[1], **other[1]}:
            child, actual = one[1].get(step, _NOTHING), other[1].get(step, _NOTHING)
            yield from differences(child, actual, tolerance, (*path, step))
    elif text := _leaf_difference(expected, got, tolerance):
        yield difference(path, text)


def difference(path: Path, text: str) -> str:
    """Prefix a difference with its path."""
    return f"{render(path) or 'outputs'}: {text}"


def branches(value: object) -> tuple[type[Step], Mapping[Step, Any]] | None:
    """Return the kind of the steps into a model, dict or list, and its children by step.

    >>> branches([1.5])
    (<class 'runtime_core.paths.Index'>, {Index(position=0): 1.5})
    >>> branches(1.5) is None
    True
    """
    if is_array(value) or isinstance(value, str | bytes | bytearray | memoryview | type):
        return None
    if isinstance(value, BaseModel):
        named = {name: getattr(value, name) for name in type(value).model_fields}
        named |= value.model_extra or {}
        return Field, {Field(name): child for name, child in named.items()}
    if is_dataclass(value):
        return Field, {Field(field.name): getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return Key, {step: child for (step,), child in expand(value, (Key(None),))}
    if isinstance(value, Sequence):
        return Index, {Index(position): child for position, child in enumerate(value)}
    return None


def is_array(value: object) -> bool:
    """Say whether a value is an array, or the shape and data type of one."""
    return isinstance(value, np.ndarray | np.generic | ShapeDType)


def shape_difference(expected: Any, got: Any) -> str | None:
    """Describe how shape and data type of an array differ; either may be a `ShapeDType`.

    >>> import numpy as np
    >>> shape_difference(ShapeDType(shape=(2,), dtype="float32"), np.zeros(3))
    'expected shape (2,), got (3,); expected dtype float32, got float64'
    """
    pairs = {
        "shape": (tuple(expected.shape), tuple(got.shape)),
        "dtype": (np.dtype(expected.dtype).name, np.dtype(got.dtype).name),
    }
    wrong = [f"expected {noun} {a}, got {b}" for noun, (a, b) in pairs.items() if a != b]
    return "; ".join(wrong) or None


def array_difference(expected: _Array, got: _Array, tolerance: Tolerance) -> str | None:
    """Describe how the numbers of an array differ from the expected ones, the farthest first.

    Expected numbers are compared in the data type of the actual ones: a case need not name one.

    >>> import numpy as np
    >>> print(array_difference(np.array([1, 2, 3]), np.array([1, 7, 4]), Tolerance()))
    2 of 3 elements differ
      [1]: expected 2, got 7
      [2]: expected 3, got 4
    """
    if expected.shape != got.shape:
        return f"expected shape {expected.shape}, got {got.shape}"
    if np.can_cast(expected.dtype, got.dtype, "same_kind"):
        with np.errstate(over="ignore"):
            expected = expected.astype(got.dtype)
    wrong = ~tolerance.close(expected, got)
    if not wrong.any():
        return None
    if not got.ndim:
        return f"expected {expected[()]!s}, got {got[()]!s}"
    margin = "" if _are_integers(expected, got) else f" by more than {tolerance}"
    header = f"{np.count_nonzero(wrong)} of {got.size} elements differ{margin}"
    return "\n".join([header, *_farthest(expected, got, wrong)])


def _farthest(expected: _Array, got: _Array, wrong: _Array) -> Iterator[str]:
    with np.errstate(all="ignore"):
        distances = np.abs(np.subtract(got[wrong], expected[wrong], dtype=_wide(expected, got)))
    order = np.argsort(-np.nan_to_num(distances, nan=np.inf), kind="stable")
    for index in np.argwhere(wrong)[order[:_SHOWN]].tolist():
        one, other = expected[tuple(index)], got[tuple(index)]
        yield f"  {index}: expected {one!s}, got {other!s}"


def _leaf_difference(expected: Any, got: Any, tolerance: Tolerance) -> str | None:
    if isinstance(expected, ShapeDType) and isinstance(got, ShapeDType):
        return shape_difference(expected, got)
    one, other = _numbers(expected), _numbers(got)
    if one is not None and other is not None:
        return array_difference(one, other, tolerance)
    if one is None and other is None and bool(expected == got):
        return None
    if type(expected) is type(got) is str and max(len(expected), len(got)) > _SHORT:
        common = os.path.commonprefix([expected, got])  # noqa: RUF071  # by character, as wanted
        begin = max(0, len(common) - _BEFORE)
        return f"from character {begin + 1} on, {_expectation(expected[begin:], got[begin:])}"
    return _expectation(expected, got)


def _expectation(expected: object, got: object) -> str:
    return f"expected {_shown(expected)}, got {_shown(got)}"


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, np.ndarray | np.generic):
        return str(value)
    if isinstance(value, str | bytes | complex):
        return shortened(repr(value), _SHORT)
    return str(summary(value))


_NOTHING = object()
"""Stands for a value that one of two trees does not have."""


def _numbers(value: object) -> _Array | None:
    """Return a number or array as an array; a `bool` of Python does not count as a number."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, np.ndarray | np.generic | int | float | complex):
        return None
    array = np.asarray(value)
    return None if array.dtype.kind == "O" else array  # an integer that is too large for numpy


def _are_integers(*arrays: _Array) -> bool:
    return all(array.dtype.kind in "biu" for array in arrays)


def _wide(*arrays: _Array) -> np.dtype[Any]:
    """Choose a type in which the differences of narrow numbers do not overflow."""
    return np.result_type(*arrays, np.float64)
