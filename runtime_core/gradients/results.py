"""Checks of the arguments and results of gradient functions: exact keys and shapes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import AnyArray, Expected, Shape, refuse_masked
from runtime_core.arrays.dtypes import NAMES
from runtime_core.calls.faults import summary
from runtime_core.errors import (
    GradientFailed,
    InvalidResult,
    TesseractRuntimeError,
    listed,
    shortened,
)
from runtime_core.gradients.vectors import numeric_array

Array = AnyArray | np.generic
"""An array, or the numpy scalar that stands for one of rank 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultCheck:
    """Checks a dict of arrays, with messages that name its origin.

    A message begins with `subject` and `verb`, such as "jacobian returned" or "The tangent is",
    and is raised as `error`. In an expected shape `None` is any size and `...` any shape.

    >>> ResultCheck(subject="jacobian").mapping({"y": 1.0}, ["x"])
    Traceback (most recent call last):
      ...
    runtime_core.errors.InvalidResult: jacobian returned a dict with the keys y, expected x.
    """

    subject: str
    verb: str = "returned"
    error: Callable[[str], TesseractRuntimeError] = InvalidResult

    def of(self, path: str) -> ResultCheck:
        """Return the check of the item at a path of the dict."""
        return replace(self, subject=f"{self.subject} of {path!r}")

    def mapping(self, value: object, keys: Collection[str]) -> Mapping[str, Any]:
        """Return a value that is a dict with exactly these keys."""
        if not isinstance(value, Mapping):
            raise self._error(f"{summary(value)}, expected a dict with the keys {listed(keys)}.")
        if value.keys() != set(keys):
            got = listed([shortened(str(key)) for key in value])
            raise self._error(f"a dict with the keys {got}, expected {listed(keys)}.")
        return value

    def vector(self, value: object, expected: Mapping[str, Expected]) -> dict[str, Array]:
        """Return a dict with an array for each key of `expected`, in its order."""
        found = self.mapping(value, expected.keys())
        return {path: self.of(path).array(found[path], fit) for path, fit in expected.items()}

    def blocks(
        self,
        value: object,
        outputs: Mapping[str, Expected],
        inputs: Mapping[str, tuple[int, ...]],
    ) -> dict[str, dict[str, Array]]:
        """Return the blocks of a Jacobian by output and input, in the orders of both.

        `outputs` are the expected outputs, and `inputs` the shapes of the inputs. The blocks of an
        output of any shape must agree about it. Blocks of floating point or complex numbers keep
        their data type, others get that of their output.
        """
        rows = self.mapping(value, outputs.keys())
        return {
            path: self.of(path)._row(rows[path], output, inputs) for path, output in outputs.items()
        }

    def array(self, value: object, expected: Expected) -> Array:
        """Return a value as an array of the expected shape and data type."""
        array = self.numbers(value)
        self.check_shape(array.shape, expected.shape)
        with self._refusals():
            return Expected(shape=..., dtype=expected.dtype).coerce(array)

    def numbers(self, value: object) -> AnyArray:
        """Return a value as an array of numbers, none of which is masked."""
        with self._refusals():
            refuse_masked(value)
        array = numeric_array(value)
        if array is None:
            raise self._error(f"{summary(value)}, expected an array of numbers.")
        return array

    def check_shape(self, got: tuple[int, ...], expected: Shape) -> None:
        """Raise an error if an array does not have the expected shape; nothing is broadcast."""
        if expected is ... or (
            len(got) == len(expected)
            and all(size in (None, have) for have, size in zip(got, expected, strict=True))
        ):
            return
        raise self._error(f"an array of shape {got}, expected {expected}.")

    def check_batch(self, vector: Mapping[str, Any], batch: int) -> None:
        """Raise an error if an array does not have the leading axis of a batch."""
        for path, array in vector.items():
            self.of(path).check_shape(array.shape[:1], (batch,))

    def _row(
        self, value: object, output: Expected, inputs: Mapping[str, tuple[int, ...]]
    ) -> dict[str, Array]:
        """Return the blocks of one output, whose shape begins that of each block."""
        found = self.mapping(value, inputs.keys())
        front = output.shape
        blocks = {}
        for path, shape in inputs.items():
            check = replace(self, subject=f"{self.subject} by {path!r}")
            block = check.numbers(found[path])
            if front is ...:
                front = block.shape[: max(block.ndim - len(shape), 0)]
            dtype = _dtype_of_block(block.dtype, output.dtype)
            blocks[path] = check.array(block, Expected(shape=(*front, *shape), dtype=dtype))
            front = blocks[path].shape[: len(front)]
        return blocks

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Raise the error of the check for a value that an array refuses."""
        try:
            yield
        except PydanticCustomError as error:
            raise self.error(f"{self.subject}: {error.message()}.") from None

    def _error(self, problem: str) -> TesseractRuntimeError:
        return self.error(f"{self.subject} {self.verb} {problem}")


def _dtype_of_block(found: np.dtype[Any], declared: np.dtype[Any] | None) -> np.dtype[Any] | None:
    native = found.newbyteorder("=")
    return native if native.kind in "fc" and native in NAMES else declared


def argument_check(noun: str) -> ResultCheck:
    """Make the check of a tangent or cotangent."""
    return ResultCheck(subject=f"The {noun}", verb="is", error=GradientFailed)


def expected_shapes(shapes: Mapping[str, Shape], batch: int | None = None) -> dict[str, Expected]:
    """Make the expectations of a `ResultCheck` for arrays of any data type, or for a batch of them.

    >>> expected_shapes({"x": (2, None)}, batch=3)["x"].shape
    (3, 2, None)
    """
    return {
        path: stacked(Expected(shape=shape, dtype=None), batch) for path, shape in shapes.items()
    }


def stacked(expected: Expected, batch: int | None) -> Expected:
    """Return the expectation of the arrays of a batch, or of one array without a batch.

    >>> stacked(Expected(shape=(2, None), dtype=None), 3).shape
    (3, 2, None)
    """
    if batch is None or expected.shape is ...:
        return expected
    return replace(expected, shape=(batch, *expected.shape))
