"""The document of an array: read and write it.

{"object_type": "array", "shape": [2], "dtype": "float64",
 "data": {"buffer": [1.0, 2.0], "encoding": "json"}}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import SerializationInfo, ValidationInfo
from pydantic_core import PydanticCustomError

from runtime_core.arrays.array_bytes import wire_order
from runtime_core.arrays.base64_encoding import Base64ArrayCodec
from runtime_core.arrays.coercion import (
    MAX_RANK,
    NUMERIC_KINDS,
    AnyArray,
    Expected,
    cast,
    from_numbers,
    non_numeric,
    refuse_masked,
)
from runtime_core.arrays.dtypes import DTYPES, NAMES
from runtime_core.arrays.encoding_schemas import BASE64_DATA_SCHEMA, JSON_DATA_SCHEMA
from runtime_core.arrays.json_encoding import JsonArrayCodec
from runtime_core.calls.scope import Scope, current
from runtime_core.catalog import loaded
from runtime_core.contracts import ArrayCodec, ArraySpec, Buffer, EncodedArray
from runtime_core.documents import dumped_buffer, keep_failure
from runtime_core.errors import (
    InvalidOption,
    PluginFailed,
    TesseractRuntimeError,
    listed,
    shortened,
)

_SHOWN = 8  # unknown keys in a message
_KEYS = frozenset({"object_type", "shape", "dtype", "data"})


@dataclass(frozen=True, slots=True)
class ArrayDocument:
    """Reads and writes the arrays of one field."""

    expected: Expected

    def validate(self, value: Any, info: ValidationInfo) -> AnyArray | np.generic:
        """Return the array of a value: numpy, a document, nested lists or a number.

        A document or list gives an array that owns its data; a numpy array that fits is returned
        unchanged. Context keys `strict_shapes` and `strict_types` forbid broadcasts and casts.
        """
        expected = self._strict(info.context) if info.context else self.expected
        if expected.holds(value):
            scalar: np.generic = value
            return scalar
        if isinstance(value, np.ndarray | np.generic):
            return expected.coerce(_numeric(value))
        if isinstance(value, EncodedArray):
            value = value.document(value.buffer)
        if isinstance(value, Mapping):
            return expected.coerce(_decode(value, expected, _scope(info.context)))
        if isinstance(value, list | tuple | int | float | complex | str):
            numbers = self._numbers(value, expected.dtype or DTYPES["float64"], info.context)
            if expected.strict_types:  # numbers have no dtype
                expected = replace(expected, strict_types=False)
            return expected.coerce(numbers)
        if hasattr(value, "__array__") or isinstance(value, range | memoryview):
            return expected.coerce(_numeric(value))
        raise non_numeric()

    def serialize(self, value: Any, info: SerializationInfo) -> dict[str, Any]:
        """Return the document of an array, in the encoding that the context names."""
        try:
            return self.document(value, info.context)
        except TesseractRuntimeError as error:
            keep_failure(error, info.context)
            raise

    def document(self, value: Any, options: Any) -> dict[str, Any]:
        """Return the document of an array; `options` is the pydantic context, or `None`."""
        encoding = (options or {}).get("array_encoding", "json")
        scope = _scope(options)
        array = wire_order(np.asarray(self.expected.coerce(_numeric(value))))
        codec, _ = _encoding(encoding, scope)
        data = dict(codec.encode(array, scope))
        if "buffer" not in data:
            raise _broken(encoding, scope, "returned data without a buffer")
        buffer = dumped_buffer(data.pop("buffer"), options)
        return {
            "object_type": "array",
            "shape": list(array.shape),
            "dtype": NAMES.get(array.dtype) or NAMES[array.dtype.newbyteorder("=")],
            "data": {
                "buffer": _text(buffer, encoding) if isinstance(buffer, Buffer) else buffer,
                "encoding": encoding,
                **data,
            },
        }

    def _numbers(self, value: Any, dtype: np.dtype[Any], options: Any) -> AnyArray:
        """Return the array of nested lists of numbers or, as programs send them, of arrays."""
        try:
            return from_numbers(value, dtype)
        except PydanticCustomError:
            if not _has_documents(value):
                raise
            return from_numbers(_with_arrays(value, _scope(options)), dtype)

    def _strict(self, options: Mapping[str, Any]) -> Expected:
        shapes = bool(options.get("strict_shapes"))
        types = bool(options.get("strict_types"))
        if not shapes and not types:
            return self.expected
        return replace(self.expected, strict_shapes=shapes, strict_types=types)


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
    if isinstance(value, EncodedArray):
        value = value.document(value.buffer)
    is_document = isinstance(value, Mapping) and _has_documents(value)
    return _decode(value, _ANYTHING, scope) if is_document else value


_ANYTHING = Expected(shape=..., dtype=None)

_Encoding = tuple[ArrayCodec, Collection[str]]
"""The codec of an array encoding, and the keys that its `data` may have."""

# These two work in plain user code without a search for plugins.
_WELL_KNOWN: Mapping[str, _Encoding] = MappingProxyType(
    {
        "json": (JsonArrayCodec(), JSON_DATA_SCHEMA["properties"].keys()),
        "base64": (Base64ArrayCodec(), BASE64_DATA_SCHEMA["properties"].keys()),
    }
)


def _encoding(name: str, scope: Scope) -> _Encoding:
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    declaration = scope.catalog.encodings.find(name)
    return loaded("Array encoding", declaration), declaration.data_schema["properties"].keys()


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
        return _invalid_dtype(dtype.name, "convert the array with .astype('float32')")
    return non_numeric()


def _decode(document: Mapping[str, Any], expected: Expected, scope: Scope) -> AnyArray:
    """Read an array document; its shape and data type are checked before its bytes."""
    _check_keys(document, _KEYS, required=("shape", "dtype", "data"), place="array")
    if document.get("object_type", "array") != "array":
        raise decode_error(f"object_type must be 'array', not {document['object_type']!r:.60}")
    spec = ArraySpec(shape=_shape(document["shape"]), dtype=_dtype(document["dtype"]))
    expected.target_shape(spec.shape)
    expected.check_dtype(spec.dtype)
    return _decode_data(document["data"], spec, scope)


def _decode_data(data: Any, spec: ArraySpec, scope: Scope) -> AnyArray:
    if not isinstance(data, Mapping):
        raise decode_error("data must be an object with 'buffer' and 'encoding'")
    encoding = data.get("encoding")
    try:
        if not isinstance(encoding, str):
            raise decode_error('data needs an \'encoding\', for instance "encoding": "json"')
        codec, keys = _encoding(encoding, scope)
        data = _normal(data)
        _check_keys(data, keys, required=("buffer",), place="data")
        array = codec.decode(data, spec, scope)
    except PydanticCustomError:
        raise
    except TesseractRuntimeError as error:
        raise decode_error(str(error)) from None
    except MemoryError:
        raise decode_error(f"shape {spec.shape} of {spec.dtype} does not fit into memory") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise decode_error(str(error), place=f"buffer ({encoding} encoding)") from None
    if not isinstance(array, np.ndarray):
        raise _broken(encoding, scope, f"returned a {type(array).__name__}, not an array")
    if array.shape != spec.shape or array.dtype != spec.dtype:
        raise _broken(
            encoding,
            scope,
            f"returned {array.dtype} of shape {array.shape} where the document says {spec.dtype} "
            f"of shape {spec.shape}",
        )
    return array


def _normal(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `data` without a compression of `None`, and with a buffer of plain bytes.

    Every encoding takes the former; the latter marks binary parts of documents.
    """
    buffer = data.get("buffer")
    if isinstance(buffer, memoryview) and buffer.format != "B":
        data = {**data, "buffer": buffer.cast("B")}
    if "compression" in data and data["compression"] is None:
        data = {key: value for key, value in data.items() if key != "compression"}
    return data


def _broken(encoding: str, scope: Scope, problem: str) -> PluginFailed:
    origin = scope.catalog.encodings.entries[encoding].origin
    return PluginFailed(f"The array encoding {encoding!r} of {origin} {problem}.")


def decode_error(reason: str, *, place: str = "document") -> PydanticCustomError:
    """Return the error for an invalid array document."""
    return PydanticCustomError(
        "array_decode_error",
        "Failed to decode array {place}: {reason}",
        {"place": place, "reason": reason},
    )


def _check_keys(
    document: Mapping[str, Any], known: Collection[str], *, required: tuple[str, ...], place: str
) -> None:
    missing = [key for key in required if key not in document]
    if missing:
        raise decode_error(f"{place} lacks {listed(missing)}")
    unknown = {shortened(str(key)) for key in islice(document.keys() - known, _SHOWN)}
    if unknown:
        raise decode_error(f"{place} has unknown keys {listed(unknown)}; known are {listed(known)}")


def _shape(shape: Any) -> tuple[int, ...]:
    whole = isinstance(shape, list | tuple) and all(type(size) is int for size in shape)
    if not whole or any(not 0 <= size < 2**63 for size in shape):
        raise decode_error(f"shape {_sizes(shape)} must be a list of sizes of at least 0")
    if len(shape) > MAX_RANK:
        raise decode_error(f"{len(shape)} dimensions are more than {MAX_RANK}")
    return tuple(shape)


def _sizes(shape: Any) -> str:
    try:
        return shortened(repr(shape))
    except ValueError:  # Python does not print integers of thousands of digits
        return "with a huge integer"


def _dtype(name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or name not in DTYPES:
        raise _invalid_dtype(name)
    return DTYPES[name]


def _invalid_dtype(name: object, step: str = "") -> PydanticCustomError:
    known = f"known are {listed(set(DTYPES))}"
    return PydanticCustomError(
        "array_invalid_dtype",
        "Unsupported array dtype {dtype}; {known}",
        {"dtype": shortened(repr(name)), "known": f"{step}; {known}" if step else known},
    )
