"""The JSON Schema of an array document."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    RootModel,
    TypeAdapter,
    create_model,
)
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    JsonSchemaWarningKind,
)
from pydantic_core import CoreSchema, core_schema

from runtime_core.arrays.array_document import ArrayDocument
from runtime_core.arrays.coercion import Expected, Shape
from runtime_core.arrays.dtypes import castable_names
from runtime_core.calls.scope import current
from runtime_core.catalog import Catalog
from runtime_core.contracts import ArrayEncoding


class ArrayJsonSchema(GenerateJsonSchema):
    """Generates JSON Schemas of payloads, and in serialization mode those of results.

    Defaults are as authors write them, `1.0` or `[1, 2]`: programs that make forms of a schema
    cannot read documents of arrays there. A result may have any value that can be written.
    """

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012  # as the base class
        "skipped-choice",
        "non-serializable-default",
    }

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Return the schema of a number, which a result may have as text if it is not finite."""
        number = super().float_schema(schema)
        if self.mode == "validation" or schema.get("allow_inf_nan") is False:
            return number
        return {"anyOf": [number, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Return the schema of a mapping, whose keys are text in JSON even if they are numbers."""
        mapping = super().dict_schema(schema)
        reference = mapping.get("propertyNames", {}).get("$ref")
        keys = self.get_schema_from_definitions(reference) if reference else None
        if keys and not all(isinstance(key, str) for key in keys.get("enum", ())):
            del mapping["propertyNames"]
        return mapping

    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        """Return the schema of what a serializer returns, which is anything if it has no type."""
        if schema["type"] not in _SERIALIZERS:
            return super().ser_schema(schema)
        written = super().ser_schema(schema) or {}
        if schema.get("when_used", "always").endswith("unless-none"):
            written = self.get_union_of_schemas([written, {"type": "null"}])
        return written

    def encode_default(self, dft: Any) -> Any:
        """Return a default as JSON: numbers and lists for arrays, models field by field."""
        if type(dft) in _JSON:
            return dft
        if isinstance(dft, RootModel):
            return self.encode_default(dft.root)
        if isinstance(dft, BaseModel):
            return self.encode_default(_values_by_alias(dft, self.mode))
        if is_dataclass(dft) and not isinstance(dft, type):
            return self.encode_default({f.name: getattr(dft, f.name) for f in fields(dft)})
        if isinstance(dft, Mapping):
            return {key: self.encode_default(value) for key, value in dft.items()}
        if isinstance(dft, list | tuple | range):
            return [self.encode_default(item) for item in dft]
        if hasattr(dft, "__array__"):
            with suppress(ValueError):  # it is an array of something else than numbers
                return _AS_IS.document(dft, {})["data"]["buffer"]
        return super().encode_default(dft)


_SERIALIZERS = frozenset({"any", "function-plain", "function-wrap"})
"""The types of serializers that may return values of another type than that of their field."""

_JSON = frozenset({str, int, float, bool, type(None)})
_AS_IS = ArrayDocument(Expected(shape=..., dtype=None))


def _values_by_alias(model: BaseModel, mode: JsonSchemaMode) -> dict[str, Any]:
    """Return the fields of a model by their names in a document."""
    aliases = {
        name: getattr(field, f"{mode}_alias") for name, field in type(model).model_fields.items()
    }
    values = {
        alias if isinstance(alias, str) else name: vars(model)[name]
        for name, alias in aliases.items()
        if name in vars(model)
    }
    return values | (model.model_extra or {})


def array_json_schema(
    *, shape: Shape, dtype: str, flags: tuple[str, ...], handler: GetJsonSchemaHandler
) -> JsonSchemaValue:
    """Return the schema of the documents of a field: shapes, data types and encodings."""
    return {
        "properties": {
            "object_type": {
                "type": "string",
                "const": "array",
                "title": "Object Type",
                "description": "Marks this object as an array.",
                "default": "array",
            },
            "shape": _shape_schema(shape),
            "dtype": {
                "type": "string",
                "enum": castable_names(dtype),
                "title": "Dtype",
                "description": f"Data type of the array, cast to {dtype}.",
                "examples": [dtype],
            },
            "data": {
                "title": "Data",
                **handler(_data_core_schema(_usable_encodings(current().catalog))),
            },
        },
        "additionalProperties": False,
        "type": "object",
        "required": ["shape", "dtype", "data"],
        "array_flags": list(flags),
    }


def _usable_encodings(catalog: Catalog) -> tuple[ArrayEncoding, ...]:
    """Return the encodings that documents can have: a binary one needs a format for it."""
    carried = {format_.array_encoding for format_ in catalog.formats}
    return tuple(e for e in catalog.encodings if not e.binary or e.name in carried)


def _shape_schema(shape: Shape) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "array",
        "title": "Shape",
        "description": "Sizes of the array's dimensions.",
    }
    if shape is ...:
        return {**schema, "items": {"type": "integer", "minimum": 0}}
    sizes = {"prefixItems": [_size_schema(size) for size in shape]} if shape else {}
    return {**schema, **sizes, "minItems": len(shape), "maxItems": len(shape)}


def _size_schema(size: int | None) -> dict[str, Any]:
    if size is None:
        return {"type": "integer", "minimum": 0}
    return {"type": "integer", "enum": sorted({1, size})}


@cache  # equal encodings must give one component, not one for each field
def _data_core_schema(encodings: tuple[ArrayEncoding, ...]) -> CoreSchema:
    models = tuple(_data_model(encoding) for encoding in encodings)
    union: Any = Union[models]  # noqa: UP007  # a tuple has no operator for this
    if len(models) > 1:
        union = Annotated[union, Field(discriminator="encoding")]
    return TypeAdapter(union).core_schema


def _data_model(encoding: ArrayEncoding) -> type[BaseModel]:
    """Return a model for which pydantic generates the encoding's own JSON Schema."""

    def replace(schema: dict[str, Any]) -> None:
        schema.clear()
        schema.update(encoding.data_schema)
        schema["properties"] = {"compression": _NO_COMPRESSION, **schema["properties"]}

    fields: Any = {"encoding": (Literal[encoding.name], ...)}
    title: str = encoding.data_schema["title"]
    return create_model(title, __config__=ConfigDict(json_schema_extra=replace), **fields)


_NO_COMPRESSION = {"title": "Compression", "type": "null", "default": None}
"""The schema of the key `compression` in encodings that have none."""
