"""The arrays of a schema that are vectors of UM-Bridge: real ones at fixed places."""

from __future__ import annotations

import math
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from runtime_core.errors import shortened
from runtime_core.paths import Field, render
from tesseract_runtime_umbridge.errors import InvalidInput

_CODES: Mapping[str, str] = MappingProxyType({"float16": "e", "float32": "f", "float64": "d"})
"""The format characters of `struct` for the data types of vectors."""

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ArrayField:
    """An array of a schema; `sizes` has `None` for a free size, and is `None` for a free rank.

    `default` is the default of the schema as nested lists, if there is one.
    """

    path: tuple[Field, ...]
    dtype: str
    sizes: tuple[int | None, ...] | None
    default: Any = None

    @property
    def name(self) -> str:
        """The path in the notation of the runtime, such as `grid.cell`."""
        return render(self.path)

    def shape(self, length: int | None, example: Any) -> Shape | None:
        """Return the shape for a vector of some length, or `None` if it does not follow.

        `example` is an array of this shape, as nested lists or a document, or `None`; the default
        of the schema decides last. Raises `InvalidInput` if the length does not fit.
        """
        shape = self._shape(length, example)
        if shape is not None and length is not None and math.prod(shape) != length:
            raise InvalidInput(
                f"{self.name!r} has shape {list(shape)}, which is {math.prod(shape)} numbers "
                f"instead of {length}."
            )
        return shape

    def _shape(self, length: int | None, example: Any) -> Shape | None:
        if self.sizes is not None and None not in self.sizes:
            return tuple(size for size in self.sizes if size is not None)
        if example is not None:
            return self._checked(_shape_of(example))
        sizes = (None,) if self.sizes is None else self.sizes
        if length is None or sizes.count(None) > 1:
            return None if self.default is None else tuple(_shape_of(self.default))
        left = length // max(math.prod(size for size in sizes if size is not None), 1)
        return tuple(left if size is None else size for size in sizes)

    def _checked(self, shape: Any) -> Shape:
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise InvalidInput(
                f"The shape of {self.name!r} in `config` is {shortened(repr(shape))}, and must be "
                "a list of sizes of at least 0."
            )
        return tuple(shape)

    def document(self, vector: Sequence[float], shape: Shape) -> dict[str, Any]:
        """Return a vector as the document of an array, in C order."""
        data = b64encode(struct.pack(f"<{len(vector)}d", *vector)).decode("ascii")
        return {
            "object_type": "array",
            "shape": shape,
            "dtype": "float64",
            "data": {"buffer": data, "encoding": "base64"},
        }

    def vector(self, document: Mapping[str, Any]) -> list[float]:
        """Return the document of an array, in base64, as a vector."""
        data = b64decode(document["data"]["buffer"])
        code = _CODES[document["dtype"]]
        return [*struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)]


def input_fields(schemas: Mapping[str, Any]) -> tuple[ArrayField, ...]:
    """Return the arrays of the inputs in the order of the schema, from the OpenAPI components."""
    payload = schemas["ApplyInputSchema"]
    return tuple(_arrays(payload["properties"]["inputs"], schemas, payload["field_order"]))


def output_fields(schemas: Mapping[str, Any]) -> tuple[ArrayField, ...]:
    """Return the arrays of the outputs in the order of the schema."""
    result = schemas["ApplyOutputSchema"]
    return tuple(_arrays(result, schemas, result["field_order"]))


def _arrays(
    node: Mapping[str, Any],
    schemas: Mapping[str, Any],
    order: Mapping[str, Sequence[str]],
    path: tuple[Field, ...] = (),
) -> Iterator[ArrayField]:
    """Yield the arrays below a schema that lie in models alone: not in lists, dicts or unions."""
    default = node.get("default")
    while "$ref" in node:
        node = schemas[node["$ref"].rpartition("/")[2]]
    if "array_flags" in node:
        dtype = node["properties"]["dtype"]["examples"][0]
        if dtype in _CODES:
            sizes = _sizes(node["properties"]["shape"])
            yield ArrayField(path=path, dtype=dtype, sizes=sizes, default=default)
        return
    fields = node.get("properties", {})
    for name in order.get(render(path), ()):
        if name in fields:
            yield from _arrays(fields[name], schemas, order, (*path, Field(name)))


def _sizes(shape: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    if "items" in shape:
        return None
    sizes = shape.get("prefixItems", ())
    return tuple(max(size["enum"]) if "enum" in size else None for size in sizes)


def _shape_of(value: Any) -> Any:
    """Return the shape of nested lists, or what the document of an array has as its shape."""
    if isinstance(value, Mapping):
        return value.get("shape")
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape
