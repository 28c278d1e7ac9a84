"""Core schemas of pydantic: copies of them with other validators inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic_core import SchemaValidator

Schema = dict[str, Any]


def changed(schema: Mapping[str, Any], change: Callable[[Schema], Schema]) -> Schema:
    """Return a copy of a core schema in which `change` is applied to each schema inside of it.

    Inner schemas come first. Members of unions keep their names in the places of faults.

    >>> from pydantic import TypeAdapter
    >>> types = []
    >>> made = changed(TypeAdapter(list[int]).core_schema, lambda s: types.append(s["type"]) or s)
    >>> types
    ['int', 'list']
    """
    definitions = schema.get("definitions", [])

    def copied(old: Any) -> Any:
        if isinstance(old, list):
            return [copied(item) for item in old]
        if isinstance(old, tuple):  # a member of a union, with its name
            return (copied(old[0]), *old[1:])
        if not isinstance(old, dict):
            return old
        if old.get("type") == "union":
            old = old | {"choices": [_named(choice, definitions) for choice in old["choices"]]}
        new = old | {key: copied(part) for key, part in _parts(old)}
        new |= {key: {k: copied(v) for k, v in part.items()} for key, part in _mappings(old)}
        return change(new) if "type" in new else new

    made: Schema = copied(dict(schema))
    return made


def recursive_references(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the references of the definitions that contain themselves."""
    inner = {each["ref"]: {*_references(each)} for each in schema.get("definitions", ())}
    return frozenset(ref for ref in inner if ref in _reached(inner[ref], inner))


def _parts(schema: Schema) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a schema with one schema or a list of schemas."""
    mappings = dict(_mappings(schema))
    return ((key, schema[key]) for key in _KEYS & schema.keys() if key not in mappings)


def _mappings(schema: Schema) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a schema with schemas by name, which may be any text."""
    return ((key, schema[key]) for key in _NAMED if isinstance(schema.get(key), dict))


_NAMED = ("fields", "choices")

_KEYS = frozenset({
    *_NAMED, "arguments_schema", "definitions", "extras_keys_schema", "extras_schema",
    "items_schema", "keys_schema", "lax_schema", "python_schema", "schema", "steps",
    "strict_schema", "values_schema", "var_args_schema", "var_kwargs_schema",
})  # fmt: skip


def _named(choice: Any, definitions: list[Any]) -> Any:
    """Return a member of a union with its name, which pydantic derives from its validators."""
    if isinstance(choice, tuple):
        return choice
    schema: Any = {"type": "definitions", "schema": choice, "definitions": definitions}
    return choice, SchemaValidator(schema).title


def _references(schema: Any) -> Iterator[str]:
    """Yield the references to definitions in a schema."""
    if isinstance(schema, list | tuple):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "definition-ref":
            yield schema["schema_ref"]
        for _, part in _parts(schema):
            yield from _references(part)
        for _, named in _mappings(schema):
            yield from _references([*named.values()])


def _reached(references: set[str], inner: dict[str, set[str]]) -> set[str]:
    """Return all references that can be followed from some."""
    found: set[str] = set()
    waiting = [*references]
    while waiting:
        reference = waiting.pop()
        if reference not in found:
            found.add(reference)
            waiting += inner.get(reference, ())
    return found
