"""The document of an array: read and write it.

{"object_type": "array", "shape": [2], "dtype": "float64",
 "data": {"buffer": [1.0, 2.0], "encoding": "json"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import SerializationInfo, ValidationInfo
from pydantic_core import PydanticCustomError

from runtime_core.arrays.array_bytes import wire_order
from runtime_core.arrays.array_decoding import (
    decode,
    encoded_size,
    encoding_of,
    exact_numbers,
    invalid_dtype,
)
from runtime_core.arrays.coercion import (
    DTYPE_MISMATCH,
    NUMERIC_KINDS,
    AnyArray,
    Expected,
    cast,
    non_numeric,
    refuse_masked,
)
from runtime_core.arrays.dtypes import DTYPES, NAMES
from runtime_core.arrays.nested_numbers import from_numbers
from runtime_core.arrays.segment import SEGMENT, Segment
from runtime_core.calls.scope import Scope, current
from runtime_core.contracts import Buffer, EncodedArray
from runtime_core.documents import dumped_buffer, keep_failure
from runtime_core.errors import InvalidOption, TesseractRuntimeError


@dataclass(frozen=True, slots=True)
class ArrayDocument:
    """Reads and writes the arrays of one field."""

    expected: Expected

    def validate(
        self, value: Any, info: ValidationInfo, *, integral_floats: bool = False
    ) -> AnyArray | np.generic:
        """Return the array of a value: numpy, a document, nested lists or a number.

        A document or list gives an array that owns its data; a numpy array that fits is returned
        unchanged. Context keys `strict_shapes` and `strict_types` forbid broadcasts and casts.
        `integral_floats` takes numbers like 2.0 for integers.
        """
        if type(value) is dict:
            array = exact_numbers(value, self.expected)
            if array is not None:
                return array
        expected = self._strict(info.context) if info.context else self.expected
        is_list = type(value) is list
        if not is_list and isinstance(value, np.ndarray | np.generic):
            return expected.coerce(_numeric(value), value)
        if is_list or isinstance(value, list | tuple | int | float | complex | str):
            dtype = expected.dtype or DTYPES["float64"]
            numbers = _numbers(value, dtype, info.context, integral_floats=integral_floats)
            if not numbers.size and is_list:
                numbers = numbers.reshape(expected.empty_shape(numbers.shape))
            if expected.strict_types:  # numbers have no dtype
                expected = replace(expected, strict_types=False)
            return expected.coerce(numbers, value)
        if isinstance(value, _DOCUMENTS):
            return expected.coerce(decode(value, expected, _scope(info.context)), value)
        if hasattr(value, "__array__") or isinstance(value, range | memoryview):
            return expected.coerce(_numeric(value), value)
        raise non_numeric()

    def has_floats_for_integers(self, value: Any, error: Exception) -> bool:
        """Test whether a value was refused for numbers like 2.0, which programs write for 2."""
        return (
            isinstance(error, PydanticCustomError)
            and error.type == DTYPE_MISMATCH
            and isinstance(value, list | tuple | float)
            and self.expected.dtype is not None
            and self.expected.dtype.kind in "iu"
        )

    def serialize(self, value: Any, info: SerializationInfo) -> dict[str, Any]:
        """Return the document of an array, in the encoding that the context names."""
        try:
            return self.document(value, info.context)
        except TesseractRuntimeError as error:
            keep_failure(error, info.context)
            raise

    def document(self, value: Any, options: Any) -> dict[str, Any]:
        """Return the document of an array; `options` is the pydantic context, or `None`."""
        scope = _scope(options)
        exact = value if self.expected.holds(value) else self.expected.coerce(_numeric(value))
        array = wire_order(exact)
        encoding, data = _encoded(array, scope)
        buffer = data.pop("buffer")
        if type(buffer) is not list:
            buffer = dumped_buffer(buffer, options)
            buffer = _text(buffer, encoding) if isinstance(buffer, Buffer) else buffer
        return {
            "object_type": "array",
            "shape": list(array.shape),
            "dtype": NAMES.get(array.dtype) or NAMES[array.dtype.newbyteorder("=")],
            "data": {
                "buffer": buffer,
                "encoding": encoding,
                **data,
            },
        }

    def _strict(self, options: Mapping[str, Any]) -> Expected:
        shapes = bool(options.get("strict_shapes"))
        types = bool(options.get("strict_types"))
        if not shapes and not types:
            return self.expected
        return replace(self.expected, strict_shapes=shapes, strict_types=types)


def _numbers(value: Any, dtype: np.dtype[Any], options: Any, *, integral_floats: bool) -> AnyArray:
    """Return the array of nested lists of numbers or, as programs send them, of arrays."""
    try:
        return from_numbers(value, dtype, integral_floats=integral_floats)
    except PydanticCustomError:
        if not _has_documents(value):
            raise
    return from_numbers(_with_arrays(value, _scope(options)), dtype)


def _encoded(array: AnyArray, scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return the encoding and the `data` of an array, which is in the segment if it fits there."""
    segment = scope.options.get(SEGMENT)
    data = segment.encode(array) if isinstance(segment, Segment) else None
    if data is not None:
        return SEGMENT, {**data}
    encoding = scope.options.get("array_encoding", "json")
    codec, _ = encoding_of(encoding, scope)
    if scope.memory is not None:
        scope.memory.take(encoded_size(array, encoding, scope), array.shape)
    return encoding, {**codec.encode(array, scope)}


def _scope(options: Any) -> Scope:
    """Return the running call's scope, or one for the options of plain user code."""
    scope = current()
    if options is scope.options:
        return scope
    return scope.document(options if options is not None else {})


def _has_documents(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_documents, value))
    return isinstance(value, EncodedArray) or (isinstance(value, Mapping) and "data" in value)


def _with_arrays(value: Any, scope: Scope) -> Any:
    """Return nested lists with arrays for the documents of arrays in them."""
    if isinstance(value, list | tuple):
        return [_with_arrays(item, scope) for item in value]
    is_document = isinstance(value, _DOCUMENTS) and _has_documents(value)
    return decode(value, _ANYTHING, scope) if is_document else value


_DOCUMENTS = (dict, EncodedArray, Mapping)
_ANYTHING = Expected(shape=..., dtype=None)


def _text(buffer: Buffer, encoding: str) -> str:
    """Return the text of a buffer in plain user code."""
    try:
        return str(buffer, "ascii")
    except UnicodeDecodeError:
        raise InvalidOption(
            f"Array encoding {encoding!r} is binary and cannot be written as JSON."
        ) from None


def _numeric(value: Any) -> AnyArray:
    """Return the array of numbers behind a value; extended precision becomes double precision."""
    if type(value) is not np.ndarray:
        refuse_masked(value)  # it takes microseconds, and most arrays are plain
    array = np.asarray(value)
    if array.dtype.kind not in NUMERIC_KINDS:
        raise _not_numbers(array.dtype)
    if array.dtype not in NAMES and array.dtype.newbyteorder("=") not in NAMES:
        if array.dtype.type not in _EXTENDED:
            raise _not_numbers(array.dtype)
        return cast(array, _EXTENDED[array.dtype.type])
    return array


_EXTENDED: Mapping[type[Any], np.dtype[Any]] = MappingProxyType(
    {np.longdouble: DTYPES["float64"], np.clongdouble: DTYPES["complex128"]}
)
"""The data types for numbers of extended precision."""


def _not_numbers(dtype: np.dtype[Any]) -> PydanticCustomError:
    """Return the error for a data type without numbers, or with those of another library."""
    if dtype.type.__module__ != "numpy":  # as bfloat16 of ml_dtypes
        return invalid_dtype(dtype.name, "convert the array with .astype('float32')")
    return non_numeric()
