"""Payload models in which the document of an array may stay as it was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

_ARRAYS, _GENERATED = "runtime_core.arrays.annotation", "runtime_core.schemas.generated"
"""Modules of the validators that keep no document: one reads arrays, one hands models on."""

_TEXTS = frozenset({"str", "bytes", "any"})
_SCALARS = frozenset({"none", "bool", "int", "float", "complex", "str", "bytes", "enum", "literal"})
"""Types of core schemas that take no mapping."""

_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("nullable", "default", "model", "model-field"), ("schema",)),
        **dict.fromkeys(("function-after", "function-wrap"), ("schema",)),
        **dict.fromkeys(("list", "set", "frozenset", "tuple"), ("items_schema",)),
        "dict": ("values_schema",),
        "union": ("choices",),
        "model-fields": ("fields",),
        "definitions": ("schema", "definitions"),
        "definition-ref": (),
    }
)
"""Types of core schemas that keep only what their parts read, and the keys of these."""


@cache  # one entry a payload model, which lives as long as its Tesseract
def sees_raw_documents(model: type[BaseModel]) -> bool:
    """Say whether a model, or user code that validates it, may see the document of an array.

    Arrays, numbers, texts, and lists, maps, unions and closed models of these do not. Any other
    type may, such as `Any` and `JsonValue`.
    """
    return not _reads_arrays_only(model.__pydantic_core_schema__)


def _reads_arrays_only(schema: Any) -> bool:
    kind = schema["type"] if isinstance(schema, Mapping) else None
    if kind in _SCALARS:
        return True
    if kind not in _PARTS or _is_open(schema):
        return False
    if kind == "function-wrap":
        module = schema["function"]["function"].__module__
        return module == _ARRAYS or (module == _GENERATED and _reads_arrays_only(schema["schema"]))
    return all(map(_reads_arrays_only, _parts(schema)))


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Say whether a map or model reads any mapping, or one with a text under the key `buffer`."""
    if schema["type"] == "dict":
        return schema.get("values_schema", {"type": "any"})["type"] in _TEXTS
    if schema["type"] == "model":
        closed = schema.get("config", {}).get("extra_fields_behavior") == "forbid"
        return not closed and not schema.get("root_model")
    if schema["type"] != "model-fields":
        return False
    aliases = [field.get("validation_alias", "") for field in schema["fields"].values()]
    names = [*schema["fields"], *aliases]
    return not all(isinstance(alias, str) for alias in aliases) or "buffer" in names


def _parts(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas of the parts, with `None` for one that is not given and takes anything."""
    for part in map(schema.get, _PARTS[schema["type"]]):
        if isinstance(part, list):
            yield from part
        elif schema["type"] == "model-fields":
            yield from schema["fields"].values()
        else:
            yield part
