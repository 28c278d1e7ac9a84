"""A value that fits a JSON Schema, for people who try an endpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import Any

import numpy as np

_MOST_ITEMS = 100  # of an array; a size of 1 stands for any


class SchemaExamples:
    """Makes examples of schemas that refer to each other, by the names of the components."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def of(self, schema: Mapping[str, Any]) -> Any:
        """Return the author's example or default, or else a small value of the declared type.

        >>> SchemaExamples({}).of({"type": "array", "items": {"type": "integer", "minimum": 2}})
        [3]
        """
        if "$ref" in schema:
            component = self._components[schema["$ref"].rpartition("/")[2]]
            return self.of({**component, **{k: v for k, v in schema.items() if k != "$ref"}})
        for given in (*schema.get("examples", ())[:1], *_fixed(schema)):
            return given
        if "array_flags" in schema:
            return _array(schema["properties"])
        for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            return self.of(member)
        make = _BY_TYPE.get(schema.get("type", ""))
        return None if make is None else make(self, schema)

    def object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the required fields and those with an example or a default."""
        required = schema.get("required", ())
        example = {
            name: self.of(field)
            for name, field in schema.get("properties", {}).items()
            if name in required or "examples" in field or field.get("default") is not None
        }
        values = schema.get("additionalProperties")
        return {**example, "key": self.of(values)} if isinstance(values, Mapping) else example

    def array(self, schema: Mapping[str, Any]) -> list[Any]:
        """Return the fixed items, and as many others as there must be, or one."""
        fixed = [self.of(item) for item in schema.get("prefixItems", ())]
        count = max(schema.get("minItems", 0) - len(fixed), 0 if fixed else 1)
        return [*fixed, *[self.of(schema.get("items") or {}) for _ in range(count)]]


def _fixed(schema: Mapping[str, Any]) -> list[Any]:
    return [
        *(schema[key] for key in ("default", "const") if key in schema),
        *schema.get("enum", ()),
    ]


def _array(properties: Mapping[str, Any]) -> Any:
    """Return the numbers of an array of positive values, which most models accept."""
    dimensions = properties["shape"].get("prefixItems")
    if dimensions is None:
        dimensions = [{}] * properties["shape"].get("minItems", 1)
    shape = [max(dimension.get("enum", [2])) for dimension in dimensions]
    if math.prod(shape) > _MOST_ITEMS:
        shape = [1] * len(shape)
    values = np.arange(1, math.prod(shape) + 1).reshape(shape)
    kind = np.dtype(properties["dtype"]["examples"][0]).kind
    return values.astype(_KINDS.get(kind, float)).tolist()


_KINDS: Mapping[str, type] = MappingProxyType({"b": bool, "i": int, "u": int})


def _number(examples: SchemaExamples, schema: Mapping[str, Any]) -> float:
    """Return 1, or a number between the bounds."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", -inf))
    high = schema.get("maximum", schema.get("exclusiveMaximum", inf))
    if low < 1 < high:
        return 1.0
    if math.isfinite(low + high):
        return float((low + high) / 2)
    return float(low + 1 if math.isfinite(low) else high - 1)


def _integer(examples: SchemaExamples, schema: Mapping[str, Any]) -> int:
    return math.floor(_number(examples, schema))


def _text(examples: SchemaExamples, schema: Mapping[str, Any]) -> str:
    text = _TEXTS.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


_TEXTS = MappingProxyType(
    {
        "date": "2030-01-31",
        "date-time": "2030-01-31T12:00:00Z",
        "time": "12:00:00Z",
        "duration": "PT1H",
        "uuid": "12345678-1234-4234-8234-123456789abc",
        "uri": "https://example.org/",
    }
)


_BY_TYPE: Mapping[str, Callable[[SchemaExamples, Mapping[str, Any]], Any]] = MappingProxyType(
    {
        "object": SchemaExamples.object,
        "array": SchemaExamples.array,
        "number": _number,
        "integer": _integer,
        "string": _text,
        "boolean": lambda examples, schema: True,
    }
)
