"""The comparison of the expected outputs of a case with a result: every difference, by path.

The result model validates expected outputs, so that a case may write them like an endpoint or like
an author. It casts and broadcasts arrays and rejects computed fields; these are compared before.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field, fields, is_dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from runtime_core import ShapeDType
from runtime_core.calls import invalid_payload, summary
from runtime_core.errors import fault_lines, shortened
from runtime_core.paths import Field, Index, Key, Path, Step, expand, render
from runtime_core.run_logs import run_name
from tesseract_runtime_workbench.regression_test.case import RegressionCase

_Array = np.ndarray[Any, Any]

_SHOWN = 5  # elements of an array; more do not help
_SHORT = 80
_BEFORE = 20  # characters of a long text before the first difference
_NOTHING = object()  # a value that only one of two trees has


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
            near = np.isclose(one, other, self.rtol, self.atol) & np.isfinite(one)
        parts = ((one.real, other.real), (one.imag, other.imag))  # either may be NaN or infinite
        real, imaginary = [(a == b) | (np.isnan(a) & np.isnan(b)) for a, b in parts]
        return np.asarray(near | (real & imaginary))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference of two values in words, and its size in tolerances, if it has one."""

    text: str
    size: float = math.inf


def output_differences(
    case: RegressionCase, model: type[BaseModel], result: BaseModel
) -> list[str]:
    """Compare the expected outputs of a case with the result of its endpoint, of type `model`.

    The largest differences come first.
    """
    tolerance = Tolerance(atol=case.atol, rtol=case.rtol)
    document = _DocumentComparison(tolerance=tolerance)
    remainder = document.remainder(case.expected_outputs, _outputs(result))
    options = {"skip_path_checks": case.skip_output_path_checks}
    try:
        expected = model.model_validate(remainder, context=options)
    except ValidationError as error:
        faults = fault_lines(invalid_payload(error, model).details, root="outputs")
        texts = [each.text for each in document.found]
        return [*texts, "The expected outputs do not fit the schema:", faults]
    found = [*document.found, *differences(_outputs(expected), _outputs(result), tolerance)]
    return [each.text for each in sorted(found, key=lambda each: -each.size)]


def differences(
    expected: object, got: object, tolerance: Tolerance, path: Path = ()
) -> Iterator[Difference]:
    """Yield every difference of two trees of outputs.

    >>> [each.text for each in differences({"n": 1, "s": "a"}, {"n": 2, "s": "a"}, Tolerance())]
    ['{n}: expected 1, got 2']
    """
    (kind, one), (other_kind, other) = _branches(expected), _branches(got)
    if kind is not None and kind is other_kind:
        for step in {**one, **other}:
            child, actual = one.get(step, _NOTHING), other.get(step, _NOTHING)
            yield from differences(child, actual, tolerance, (*path, step))
    elif found := _leaf_difference(expected, got, tolerance):
        yield _at(path, found)


def array_difference(expected: _Array, got: _Array, tolerance: Tolerance) -> Difference | None:
    """Describe how an array differs from the expected one, the farthest elements first.

    Expected numbers are compared in the data type of the actual ones: a case need not name one.

    >>> import numpy as np
    >>> print(array_difference(np.array([1, 2, 3]), np.array([1, 7, 4]), Tolerance()).text)
    2 of 3 elements differ
      [1]: expected 2, got 7
      [2]: expected 3, got 4
    """
    if expected.shape != got.shape:
        return Difference(text=f"expected shape {expected.shape}, got {got.shape}")
    if np.can_cast(expected.dtype, got.dtype, "same_kind"):
        with np.errstate(over="ignore"):
            expected = expected.astype(got.dtype)
    wrong = ~tolerance.close(expected, got)
    if not wrong.any():
        return None
    distances = _distances(expected[wrong], got[wrong])
    with np.errstate(all="ignore"):
        allowed = tolerance.atol + tolerance.rtol * np.abs(expected[wrong]).astype(float)
        size = float(np.max(_infinite_for_nan(distances / allowed)))
    if not got.ndim:
        return Difference(text=_expectation(expected[()], got[()]), size=size)
    header = f"{np.count_nonzero(wrong)} of {got.size} elements differ"
    if not _are_integers(expected, got):
        header += f" by more than {tolerance.atol:g} + {tolerance.rtol:g} * |expected|"
    farthest = np.argwhere(wrong)[np.argsort(-distances, kind="stable")[:_SHOWN]]
    lines = (
        f"  {[*i]}: {_expectation(expected[i], got[i])}" for i in map(tuple, farthest.tolist())
    )
    return Difference(text="\n".join([header, *lines]), size=size)


def _outputs(result: BaseModel) -> Any:
    """Unwrap a root model, whose root has the empty path."""
    return result.root if isinstance(result, RootModel) else result


@dataclass(frozen=True, kw_only=True)
class _DocumentComparison:
    """Compares the parts of a document that its model would ignore, and collects differences.

    An array that names its shape and data type must have exactly these.
    """

    tolerance: Tolerance
    found: list[Difference] = field(default_factory=list)

    def remainder(self, document: Any, got: Any, path: Path = ()) -> Any:
        """Return the part of a document that its model can validate."""
        if _is_array(got):
            return self._array(document, got, path)
        if isinstance(got, PurePath):
            return _in_run_of(got, document)
        if isinstance(got, RootModel):
            return self.remainder(document, got.root, (*path, Field("root")))
        if isinstance(document, Mapping):
            return dict(self._items(document.items(), got, path))
        if isinstance(document, list):
            return [item for _, item in self._items(enumerate(document), got, path)]
        return document

    def _array(self, document: Any, got: Any, path: Path) -> Any:
        try:
            text = _shape_difference(ShapeDType.model_validate(document), got)
        except ValidationError:  # a bare list, or not an array
            return document
        if text is None:
            return document
        self.found.append(_at(path, Difference(text=text)))
        return got  # it must not hide other differences

    def _items(
        self, items: Iterable[tuple[Any, Any]], got: Any, path: Path
    ) -> Iterator[tuple[Any, Any]]:
        children = _children(got)
        computed = type(got).model_computed_fields if isinstance(got, BaseModel) else {}
        names = {info.alias or name: name for name, info in computed.items()}
        for key, document in items:
            if key in names:
                self._computed(names[key], document, got, path)
            elif key in children:
                step, child = children[key]
                yield key, self.remainder(document, child, (*path, step))
            else:
                yield key, document

    def _computed(self, name: str, document: Any, model: BaseModel, path: Path) -> None:
        path, got = (*path, Field(name)), getattr(model, name)
        expected = self.remainder(document, got, path)
        adapter = TypeAdapter(type(model).model_computed_fields[name].return_type)
        with suppress(ValidationError):  # then it is compared as it is written
            expected = adapter.validate_python(expected)
        self.found.extend(differences(expected, got, self.tolerance, path))


def _in_run_of(got: PurePath, document: Any) -> Any:
    """Name a file in the folder of the run that was recorded as one in the folder of this run."""
    runs = [part for part in got.parts if part.startswith(run_name(""))]
    if not runs or not isinstance(document, str):
        return document
    parts = PurePath(document).parts
    return str(PurePath(*(runs[-1] if part.startswith(run_name("")) else part for part in parts)))


def _children(got: object) -> Mapping[Any, tuple[Step, Any]]:
    """Map each key that a document may have for a child to its step and the child."""
    _, steps = _branches(got)
    children = {astuple(step)[0]: (step, child) for step, child in steps.items()}
    for name, info in (type(got).model_fields if isinstance(got, BaseModel) else {}).items():
        for alias in (info.serialization_alias, info.alias, info.validation_alias):
            if isinstance(alias, str):
                children[alias] = children[name]
    return children


def _branches(value: object) -> tuple[type[Step] | None, Mapping[Step, Any]]:
    """Return the kind of the steps into a model, dict or list, and its children by step."""
    if _is_array(value) or isinstance(value, str | bytes | bytearray | memoryview | type):
        return None, {}
    if isinstance(value, BaseModel):
        named = {name: getattr(value, name) for name in type(value).model_fields}
        named |= value.model_extra or {}
        return Field, {Field(name): child for name, child in named.items()}
    if is_dataclass(value):
        return Field, {Field(field.name): getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return Key, {step: child for (step,), child in expand(value, (Key(None),))}
    if isinstance(value, Sequence):
        return Index, {step: child for (step,), child in expand(value, (Index(None),))}
    return None, {}


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic | ShapeDType)


def _distances(expected: _Array, got: _Array) -> _Array:
    with np.errstate(all="ignore"):
        distances = np.abs(np.subtract(got, expected, dtype=_wide(expected, got)))
    return _infinite_for_nan(distances)


def _infinite_for_nan(numbers: _Array) -> _Array:
    return np.where(np.isnan(numbers), math.inf, numbers)


def _leaf_difference(expected: Any, got: Any, tolerance: Tolerance) -> Difference | None:
    if isinstance(expected, ShapeDType) and isinstance(got, ShapeDType):
        text = _shape_difference(expected, got)
        return None if text is None else Difference(text=text)
    one, other = _numbers(expected), _numbers(got)
    if one is not None and other is not None:
        return array_difference(one, other, tolerance)
    if one is None and other is None and bool(expected == got):
        return None
    if type(expected) is type(got) is str and max(len(expected), len(got)) > _SHORT:
        common = os.path.commonprefix([expected, got])  # noqa: RUF071  # by character, as wanted
        begin = max(0, len(common) - _BEFORE)
        text = f"from character {begin + 1} on, {_expectation(expected[begin:], got[begin:])}"
        return Difference(text=text)
    return Difference(text=_expectation(expected, got))


def _shape_difference(expected: Any, got: Any) -> str | None:
    """Describe how shape and data type of an array differ; either may be a `ShapeDType`."""
    pairs = {
        "shape": (tuple(expected.shape), tuple(got.shape)),
        "dtype": (np.dtype(expected.dtype).name, np.dtype(got.dtype).name),
    }
    wrong = [f"expected {noun} {a}, got {b}" for noun, (a, b) in pairs.items() if a != b]
    return "; ".join(wrong) or None


def _at(path: Path, found: Difference) -> Difference:
    return replace(found, text=f"{render(path) or 'outputs'}: {found.text}")


def _expectation(expected: object, got: object) -> str:
    return f"expected {_shown(expected)}, got {_shown(got)}"


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, str | bytes | complex) and not isinstance(value, np.generic):
        return shortened(repr(value), _SHORT)
    return str(value if isinstance(value, np.ndarray | np.generic) else summary(value))


def _numbers(value: object) -> _Array | None:
    """Convert a number or array to an array; a `bool` of Python does not count as a number."""
    kinds = np.ndarray | np.generic | int | float | complex
    if isinstance(value, bool) or not isinstance(value, kinds):
        return None
    array = np.asarray(value)
    return None if array.dtype.kind == "O" else array  # an integer that is too large for numpy


def _are_integers(*arrays: _Array) -> bool:
    return all(array.dtype.kind in "biu" for array in arrays)


def _wide(*arrays: _Array) -> np.dtype[Any]:
    """Choose a data type in which the differences of narrow numbers do not overflow."""
    return np.result_type(*arrays, np.float64)
