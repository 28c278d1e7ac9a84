"""The guarded callables of formats, array encodings and compressors, and of their codecs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, get_args

from runtime_core.contracts import Buffer, EncodedArray
from runtime_core.plugins.answer_checks import Wrong, are_buffers, check_texts, is_a, shown
from runtime_core.plugins.compressor_options import without_default
from runtime_core.plugins.guard import Guard, Methods


def format_callables(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    """Guard a format and the documents that its codec reads and writes."""
    check_texts(declaration, "media_types", "suffixes", "parameters")
    methods: Methods = {"loads": (is_a(*_TREES), (ValueError,)), "dumps": (are_buffers, ())}
    # A parameter of a media type may be wrong.
    return _codec(guard, declaration, methods, ValueError)


_TREES = (dict, list, tuple, str, int, float, type(None), EncodedArray, memoryview)


def encoding_callables(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    """Guard an array encoding; what its codec encodes fits its schema."""
    schema = declaration.data_schema
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        raise Wrong("a data_schema that has no properties")
    required = {"buffer", *schema.get("required", ())} - {"encoding"}
    types = {key: tuple(_types(each)) for key, each in schema["properties"].items()}
    types.pop("encoding", None)
    methods: Methods = {
        "encode": (partial(_data, required, types), ()),
        "decode": (_array, _DECODING),
    }
    return _codec(guard, declaration, methods)


_DECODING = (ValueError, TypeError, OverflowError)
"""What an array encoding may raise for a wrong buffer."""


def _codec(
    guard: Guard, declaration: Any, methods: Methods, *passing: type[Exception]
) -> Mapping[str, Any]:
    guarded = partial(guard.methods, methods)
    return {"load": guard.of("load", declaration.load, guarded, passing)}


def _data(
    required: Collection[str], types: Mapping[str, tuple[type[Any], ...]], data: Any, *_: Any
) -> Any:
    """Check the keys of encoded data, and the types of their values, against its schema."""
    if not isinstance(data, Mapping):
        raise Wrong(f"{shown(data)}, expected a mapping")
    for key in required:
        if key not in data:
            raise Wrong(f"data without {key!r}")
    for key, value in data.items():
        if key not in types:
            raise Wrong(f"data with {key!r}, which is not in its schema")
        if not isinstance(value, types[key] or object):
            raise Wrong(f"data with {shown(value)} as {key!r}, which its schema forbids")
    return data


def _types(schema: Mapping[str, Any]) -> Iterator[type[Any]]:
    """Yield the types that a JSON Schema allows; none if it does not name them."""
    for choice in schema.get("anyOf", (schema,)):
        yield from _TYPES.get(choice.get("type"), ())


_TYPES: Mapping[Any, tuple[type[Any], ...]] = MappingProxyType(
    {
        "string": (str, bytes, bytearray, memoryview),
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
        "array": (list, tuple),
        "object": (Mapping,),
        "null": (type(None),),
    }
)


def _array(array: Any, data: Any, spec: Any, *_: Any) -> Any:
    """Check that a decoded array is writable, and has the shape and data type of its document."""
    import numpy as np  # most commands load no array

    if not isinstance(array, np.ndarray):
        raise Wrong(f"{shown(array)}, not an array")
    if array.shape != spec.shape or array.dtype != spec.dtype:
        raise Wrong(
            f"{array.dtype} of shape {array.shape} where the document says {spec.dtype} of shape "
            f"{spec.shape}"
        )
    if not array.flags.writeable:
        raise Wrong("an array that is not writable")
    return array


def compressor_callables(guard: Guard, declaration: Any) -> Mapping[str, Any]:
    """Guard a compressor, whose options have defaults."""
    is_buffer = is_a(*get_args(Buffer))
    methods: Methods = {"compress": (is_buffer, ()), "decompress": (None, (ValueError,))}

    def loaded(codec: Any, *_: Any) -> Any:
        checked = guard.methods(methods, codec)
        for name in methods:
            for option in without_default(getattr(codec, name)):
                raise Wrong(
                    f"{shown(codec)} whose {name} has the option {option!r} without default"
                )
        return checked

    return {"load": guard.of("load", declaration.load, loaded)}
