"""Payload models that may keep the unread document of an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

_OURS, _ARRAYS = "runtime_core.", "runtime_core.arrays."
"""The packages of validators that keep no document, and of those that read arrays."""

_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("none", "bool", "int", "float", "complex", "str", "bytes"), ()),
        **dict.fromkeys(("enum", "literal", "definition-ref"), ()),
        **dict.fromkeys(("nullable", "default", "model", "model-field"), ("schema",)),
        **dict.fromkeys(("function-after", "function-before", "function-wrap"), ("schema",)),
        **dict.fromkeys(("list", "set", "frozenset", "tuple"), ("items_schema",)),
        "dict": ("values_schema",),
        "union": ("choices",),
        "model-fields": ("fields",),
        "definitions": ("schema", "definitions"),
    }
)
"""The types of core schemas that keep only the values of their parts, with the keys of these."""

_VALUES = frozenset({"function-wrap", "model", "list", "tuple", "dict", "int", "float", "bool"})
"""The types of map values that cannot keep the text of a buffer."""


@cache  # one entry a payload model, which lives as long as its Tesseract
def sees_raw_documents(model: type[BaseModel]) -> bool:
    """Test whether a model, or user code that validates it, may see the document of an array.

    Arrays, numbers, texts, values without a type, and lists, maps, unions and models of these do
    not. Any other type may, such as `JsonValue`.
    """
    return not _reads_arrays_only(model.__pydantic_core_schema__)


def _reads_arrays_only(schema: Any) -> bool:
    kind = schema["type"] if isinstance(schema, Mapping) else None
    if kind in ("function-before", "function-wrap"):
        module = getattr(schema["function"]["function"], "__module__", None) or ""
        if module.startswith(_ARRAYS) or not module.startswith(_OURS):
            return module.startswith(_ARRAYS)
    if kind not in _PARTS or _is_open(schema):
        return False
    return all(map(_reads_arrays_only, _parts(schema)))


def _parts(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas of the parts, with `None` for a missing one, which takes anything."""
    if schema["type"] == "model-fields":
        yield from schema["fields"].values()
        return
    for part in map(schema.get, _PARTS[schema["type"]]):
        yield from part if isinstance(part, list) else [part]


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Test whether a map or model may read any map, or a text under the key `buffer`."""
    kind = schema["type"]
    if kind == "dict":
        return schema.get("values_schema", {}).get("type") not in _VALUES
    if kind == "model":
        extras = schema.get("config", {}).get("extra_fields_behavior")
        return bool(schema.get("custom_init")) or extras == "allow"
    fields: Mapping[str, Any] = schema.get("fields", {})
    return "buffer" in str([(name, fields[name].get("validation_alias")) for name in fields])
