"""Decoding the document of an array: its keys, shape and data type, then the bytes of its codec."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from runtime_core.arrays.base64_encoding import Base64ArrayCodec
from runtime_core.arrays.coercion import AnyArray, Expected
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.arrays.encoding_schemas import (
    BASE64_DATA_SCHEMA,
    JSON_DATA_SCHEMA,
    RAW_DATA_SCHEMA,
)
from runtime_core.arrays.json_encoding import JsonArrayCodec
from runtime_core.arrays.nested_numbers import MAX_RANK
from runtime_core.arrays.raw_encoding import RawArrayCodec
from runtime_core.arrays.segment import SEGMENT, Segment
from runtime_core.calls.scope import Scope, current
from runtime_core.contracts import ArrayCodec, ArraySpec, EncodedArray
from runtime_core.errors import PluginFailed, TesseractRuntimeError, listed, shortened

_SHOWN = 8  # unknown keys in a message
_REQUIRED = frozenset({"shape", "dtype", "data"})
_KEYS = _REQUIRED | {"object_type"}
_BUFFER = frozenset({"buffer"})
_SEGMENT_KEYS = _BUFFER | {"encoding"}


def exact_numbers(document: dict[str, Any], expected: Expected) -> AnyArray | None:
    """Read a list of numbers that is exactly the array that is expected.

    Returns `None` for any other document, which `decode` reads or refuses.
    """
    try:
        data, shape = document["data"], document["shape"]
        numbers = data["buffer"]
        if (
            not document.keys() <= _KEYS
            or document.get("object_type", "array") != "array"
            or len(data) != len(_SEGMENT_KEYS)
            or data["encoding"] != "json"
            or type(numbers) is not list
            or not _NUMBERS.issuperset(map(type, numbers))
            or shape != [len(numbers)]
            or type(shape[0]) is not int
        ):
            return None
        array = np.array(numbers)
        if DTYPES[document["dtype"]] is not array.dtype or not expected.holds(array):
            return None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    memory = current().memory
    if memory is not None:
        memory.take_once(document, array.nbytes, array.shape)
    return array


_NUMBERS = frozenset({int, float})


def decode(source: Mapping[str, Any] | EncodedArray, expected: Expected, scope: Scope) -> AnyArray:
    """Read an array document; its shape and data type are checked before its bytes."""
    document = source.document(source.buffer) if isinstance(source, EncodedArray) else source
    _check_keys(document, _KEYS, required=_REQUIRED, place="array")
    if document.get("object_type", "array") != "array":
        raise _unreadable(f"object_type must be 'array', not {document['object_type']!r:.60}")
    spec = ArraySpec(shape=_shape(document["shape"]), dtype=_dtype(document["dtype"]))
    shape, wanted = expected.target_shape(spec.shape), expected.dtype or spec.dtype
    expected.check_dtype(spec.dtype)
    if scope.memory is not None:
        itemsize = max(spec.dtype.itemsize, wanted.itemsize)
        scope.memory.take_once(source, math.prod(shape) * itemsize, shape)
    return _decode_data(document["data"], spec, scope)


def _decode_data(data: Any, spec: ArraySpec, scope: Scope) -> AnyArray:
    if type(data) is not dict and not isinstance(data, Mapping):
        raise _unreadable("data must be an object with 'buffer' and 'encoding'")
    encoding = data.get("encoding")
    try:
        if not isinstance(encoding, str):
            raise _unreadable('data needs an \'encoding\', for instance "encoding": "json"')
        read, keys = _decoding(encoding, scope)
        data = _normal(data)
        _check_keys(data, keys, required=_BUFFER, place="data")
        return read(data, spec, scope)
    except (PydanticCustomError, PluginFailed):
        raise
    except TesseractRuntimeError as error:
        raise _unreadable(str(error)) from None
    except MemoryError:
        raise _unreadable(f"shape {spec.shape} of {spec.dtype} does not fit into memory") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise _unreadable(str(error), place=f"buffer ({encoding} encoding)") from None


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


def _unreadable(reason: str, *, place: str = "document") -> PydanticCustomError:
    """Return the error for an invalid array document."""
    return PydanticCustomError(
        "array_decode_error",
        "Failed to decode array {place}: {reason}",
        {"place": place, "reason": reason},
    )


def _check_keys(
    document: Mapping[str, Any], known: Set[str], *, required: Set[str], place: str
) -> None:
    if required <= document.keys() <= known:
        return
    missing = required - document.keys()
    if missing:
        raise _unreadable(f"{place} lacks {listed(missing)}")
    unknown = {shortened(str(key)) for key in islice(document.keys() - known, _SHOWN)}
    if unknown:
        raise _unreadable(f"{place} has unknown keys {listed(unknown)}; known are {listed(known)}")


def _shape(shape: Any) -> tuple[int, ...]:
    whole = isinstance(shape, list | tuple) and _INTEGERS.issuperset(map(type, shape))
    if not whole or (shape and not 0 <= min(shape) <= max(shape) < 2**63):
        raise _unreadable(f"shape {_sizes(shape)} must be a list of sizes of at least 0")
    if len(shape) > MAX_RANK:
        raise _unreadable(f"{len(shape)} dimensions are more than {MAX_RANK}")
    return tuple(shape)


_INTEGERS = frozenset({int})


def _sizes(shape: Any) -> str:
    try:
        return shortened(repr(shape))
    except ValueError:  # Python does not print integers of thousands of digits
        return "with a huge integer"


def _dtype(name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or name not in DTYPES:
        raise invalid_dtype(name)
    return DTYPES[name]


def invalid_dtype(name: object, step: str = "") -> PydanticCustomError:
    """Return the error for a data type that arrays do not have; `step` is the next step."""
    known = f"known are {listed(set(DTYPES))}"
    return PydanticCustomError(
        "array_invalid_dtype",
        "Unsupported array dtype {dtype}; {known}",
        {"dtype": shortened(repr(name)), "known": f"{step}; {known}" if step else known},
    )


_Encoding = tuple[ArrayCodec, Set[str]]
"""The codec of an array encoding, and the keys that its `data` may have."""

# These work in plain user code without a search for plugins.
_WELL_KNOWN: Mapping[str, _Encoding] = MappingProxyType(
    {
        "json": (JsonArrayCodec(), JSON_DATA_SCHEMA["properties"].keys()),
        "base64": (Base64ArrayCodec(), BASE64_DATA_SCHEMA["properties"].keys()),
        "raw": (RawArrayCodec(), RAW_DATA_SCHEMA["properties"].keys()),
    }
)


def _decoding(name: str, scope: Scope) -> tuple[Callable[..., AnyArray], Set[str]]:
    """Return the function that reads an encoding, and the keys of the latter."""
    segment = scope.options.get(SEGMENT)
    if name == SEGMENT and isinstance(segment, Segment):
        return segment.decode, _SEGMENT_KEYS
    codec, keys = encoding_of(name, scope)
    return codec.decode, keys


def encoding_of(name: str, scope: Scope) -> _Encoding:
    """Return the codec and the keys of an encoding; `UnknownName` if it is not installed."""
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    declaration = scope.catalog.encodings.find(name)
    return scope.codecs.encoding(name), declaration.data_schema["properties"].keys()


def encoded_size(array: AnyArray, encoding: str, scope: Scope) -> int:
    """Return the memory that an array takes in a document, in bytes."""
    if encoding == "json":
        return array.size * _JSON_NUMBER
    in_file = encoding not in _WELL_KNOWN and scope.catalog.encodings.find(encoding).writes_files
    return 0 if in_file else array.nbytes


_JSON_NUMBER = 50  # bytes: 32 for an object in a list, and the digits
