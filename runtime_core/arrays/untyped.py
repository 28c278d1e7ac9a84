"""Values in places without a type, such as `Any`: arrays in them are the documents that say so.

A mapping with `"object_type": "array"` is read as an array, and an array is written as such a
mapping; anything else keeps its form.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from operator import is_not
from types import MappingProxyType
from typing import Annotated, Any, get_origin

import numpy as np
from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    PydanticSerializationError,
    core_schema,
)

from runtime_core.arrays.array_document import ArrayDocument
from runtime_core.arrays.coercion import Expected
from runtime_core.contracts import EncodedArray

_ARRAY = ArrayDocument(Expected(shape=..., dtype=None))
_PARENTS = frozenset({dict, list, EncodedArray, memoryview})
_PLAIN = (str, bool, int, float)
_LEAVES = frozenset({*_PLAIN, type(None)})
_DEEPEST = 200  # as deep as documents are; values of Python may contain themselves

Place = tuple[str | int, ...]


class _UntypedValues:
    """Reads documents of arrays inside of any value, and writes each number of it."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        writer = core_schema.wrap_serializer_function_ser_schema(
            _write, info_arg=True, when_used="json"
        )
        return core_schema.with_info_before_validator_function(
            _read, handler(source), serialization=writer
        )


Untyped: Any = Annotated[Any, _UntypedValues()]
"""Type annotation for any value, with arrays in the place of their documents."""

_TYPES: Mapping[Any, Any] = MappingProxyType(
    {
        Any: Untyped,
        object: Untyped,
        dict: dict[Any, Untyped],
        Mapping: Mapping[Any, Untyped],
        MutableMapping: MutableMapping[Any, Untyped],
        list: list[Untyped],
        Sequence: Sequence[Untyped],
        deque: deque[Untyped],
        tuple: tuple[Untyped, ...],
    }
)


def untyped(annotation: Any) -> Any:
    """Return the annotation that reads arrays in `Any`, `object` or a container without types.

    Other annotations without arguments are returned unchanged.

    >>> untyped(int), untyped(list) == list[Untyped]
    (<class 'int'>, True)
    """
    kind = get_origin(annotation) or annotation
    return _TYPES.get(kind, annotation) if isinstance(kind, Hashable) else annotation


def written(value: Any, options: Any) -> Any:
    """Return a number or the document of an array for a value that pydantic cannot write.

    `options` is the serialization context. Raises `PydanticSerializationError` for other values.
    """
    number = value.item() if isinstance(value, np.generic) else None
    if isinstance(number, _PLAIN):
        return number
    if not hasattr(value, "__array__"):
        raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")
    try:
        return _ARRAY.document(value, options)
    except PydanticCustomError as error:
        raise PydanticSerializationError(error.message()) from None


def _write(
    value: Any, handler: SerializerFunctionWrapHandler, info: core_schema.SerializationInfo
) -> Any:
    return handler(_with_plain_models(value, info, 0))


def _with_plain_models(value: Any, info: core_schema.SerializationInfo, depth: int) -> Any:
    """Return a value with mappings for models in which pydantic would write numbers as null.

    It writes an instance by the configuration of its own class.
    """
    if isinstance(value, dict | list | tuple) and depth < _DEEPEST:
        items = value.values() if isinstance(value, dict) else value
        if _LEAVES.issuperset(map(type, items)):
            return value
        plain = [_with_plain_models(item, info, depth + 1) for item in items]
        return dict(zip(value, plain, strict=True)) if isinstance(value, dict) else plain
    if not isinstance(value, BaseModel) or value.model_config.get("ser_json_inf_nan") == "strings":
        return value
    tree = value.model_dump(by_alias=info.by_alias, context=info.context)
    return tree if _has_non_finite(tree) else value


def _has_non_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_non_finite, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(_has_non_finite, value))
    return isinstance(value, float) and not math.isfinite(value)


def _read(value: Any, info: ValidationInfo) -> Any:
    return _with_arrays(value, info, ())


def _with_arrays(value: Any, info: ValidationInfo, place: Place) -> Any:
    """Return a value with arrays for their documents; it is copied where something changes."""
    kind = type(value)
    if kind not in _PARENTS or len(place) > _DEEPEST:
        return value
    if kind is memoryview:  # a binary part of a document, whose memory ends with the call
        return bytes(value)
    if kind is EncodedArray or (kind is dict and value.get("object_type") == "array"):
        return _array(value, info, place)
    old = value if kind is list else value.values()
    if _PARENTS.isdisjoint(map(type, old)):
        return value
    if kind is list:
        new = [_with_arrays(item, info, (*place, index)) for index, item in enumerate(value)]
        return new if any(map(is_not, new, old)) else value
    new = [_with_arrays(item, info, (*place, str(key))) for key, item in _as_sent(value).items()]
    return dict(zip(value, new, strict=True)) if any(map(is_not, new, old)) else value


def _as_sent(value: dict[Any, Any]) -> dict[Any, Any]:
    """Return a mapping with the text of base64 that was kept as a view of the document."""
    if value.get("encoding") != "base64" or not isinstance(value.get("buffer"), memoryview):
        return value
    return {**value, "buffer": str(value["buffer"], "utf-8", "replace")}


def _array(value: Any, info: ValidationInfo, place: Place) -> Any:
    try:
        return _ARRAY.validate(value, info)
    except PydanticCustomError as error:
        lines: list[InitErrorDetails] = [{"type": error, "loc": place, "input": value}]
        raise ValidationError.from_exception_data("array", lines) from None
