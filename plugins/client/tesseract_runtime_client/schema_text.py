"""JSON Schemas of payloads and results as indented text, a line for each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import to_json

Schema = Mapping[str, Any]

_LONGEST_DEFAULT = 40  # characters
_CONTAINERS = {"items": "list", "additionalProperties": "dict"}
"""The keys that hold the type of what is in a container."""

_NOT_FINITE = ["NaN", "Infinity", "-Infinity"]
"""The texts that stand for such numbers in JSON."""

_REFERENCE = "#/$defs/"


def field_lines(schema: Schema, definitions: Schema, indent: str = "  ") -> Iterator[str]:
    r"""Yield the name, type, default and description of each field, and of those inside of it.

    >>> shape = {"prefixItems": [{"minimum": 0}, {"enum": [1, 3]}], "minItems": 2}
    >>> array = {"array_flags": [], "properties": {"dtype": {"enum": ["bool"]}, "shape": shape}}
    >>> fields = {"x": {**array, "description": "A mask."}, "n": {"type": "integer"}}
    >>> print("\n".join(field_lines({"properties": fields}, {})))
      x: bool[?, 3] -- A mask.
      n: integer
    """
    yield from _lines(schema, definitions, indent, ())


def _lines(
    schema: Schema, definitions: Schema, indent: str, seen: tuple[str, ...]
) -> Iterator[str]:
    for part, names in _parts(schema, definitions, ()):
        if "array_flags" in part or {*names} & {*seen}:
            continue
        for name, field in part.get("properties", {}).items():
            yield f"{indent}{name}: {_type(field, definitions)}{_default(field)}{_text(field)}"
            yield from _lines(field, definitions, f"{indent}  ", (*seen, *names))


def _parts(
    schema: Schema, definitions: Schema, names: tuple[str, ...]
) -> Iterator[tuple[Schema, tuple[str, ...]]]:
    """Yield a schema and those of its items and choices, with the names of their definitions."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        if name not in names:
            yield from _parts(definitions[name], definitions, (*names, name))
        return
    yield schema, names
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())]
    for part in inner:
        if isinstance(part, Mapping):
            yield from _parts(part, definitions, names)


def _type(schema: Schema, definitions: Schema) -> str:
    if "$ref" in schema:
        name: str = schema["$ref"].removeprefix(_REFERENCE)
        target = definitions[name]
        if "properties" in target:
            return str(target["title"]).removeprefix("Apply_")  # of a generated class
        return _type(target, definitions)
    if "array_flags" in schema:
        return _array_type(schema)
    if "anyOf" in schema:
        choices = [part for part in schema["anyOf"] if part.get("enum") != _NOT_FINITE]
        return " | ".join(_type(part, definitions) for part in choices)
    for key, container in _CONTAINERS.items():
        if isinstance(schema.get(key), Mapping):
            return f"{container}[{_type(schema[key], definitions)}]"
    if "enum" in schema or "const" in schema:
        return " | ".join(map(_shown, schema.get("enum") or [schema["const"]]))
    return str(schema.get("type", "any"))


def _array_type(schema: Schema) -> str:
    """Return the dtype and shape of an array, in which `?` is any size and `...` any shape."""
    dtype, shape = schema["properties"]["dtype"], schema["properties"]["shape"]
    name = (dtype.get("examples") or dtype["enum"])[0]
    # A size of 1 is allowed besides the declared one.
    sizes = [str(size.get("enum", "?")[-1]) for size in shape.get("prefixItems", ())]
    if "minItems" not in shape:
        sizes = ["..."]
    flags = [f" ({flag.lower()})" for flag in schema["array_flags"]]
    return "".join([name, f"[{', '.join(sizes)}]" if sizes else "", *flags])


def _default(field: Schema) -> str:
    if "default" not in field:
        return ""
    text = _shown(field["default"])
    return f" = {text if len(text) <= _LONGEST_DEFAULT else '...'}"


def _shown(value: Any) -> str:
    return to_json(value, inf_nan_mode="strings").decode()


def _text(field: Schema) -> str:
    description = " ".join(field.get("description", "").split())
    return f" -- {description}" if description else ""
