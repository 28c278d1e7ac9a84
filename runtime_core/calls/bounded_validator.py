"""Validators that stop at the first hundred faults, which take more memory than the values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property, partial
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import SchemaValidator

from runtime_core.calls.core_schemas import Schema, changed, recursive_references
from runtime_core.calls.first_faults import few_keys, first_faults, truncated


class BoundedValidator:
    """Validates values by a core schema, with work and memory linear in their size.

    Valid values are validated as by pydantic. Others are validated a second time, in which lists
    and dicts go on after a fault until there are a hundred faults.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def validate(self, value: Any, context: Any = None) -> Any:
        """Return the validated value; the `ValidationError` has its first faults."""
        try:
            return self._first_fault.validate_python(value, context=context)
        except ValidationError:
            return self._first_faults.validate_python(value, context=context)

    @cached_property
    def _first_fault(self) -> SchemaValidator:
        return self._made(_failing_fast)

    @cached_property
    def _first_faults(self) -> SchemaValidator:
        return self._made(lambda schema: _resuming(_failing_fast(schema)))

    def _made(self, change: Callable[[Schema], Schema]) -> SchemaValidator:
        recursive = recursive_references(self._schema)

        def bounded(schema: Schema) -> Schema:
            new = _with_few_keys(change(schema))
            return _wrapped(new, truncated) if schema.get("ref") in recursive else new

        made: Any = changed(self._schema, bounded)
        return SchemaValidator(made, None, False)  # classes have validators without bounds


@cache  # one for each model of an endpoint, which lives as long as its Tesseract
def validator_of(model: type[BaseModel]) -> BoundedValidator:
    """Return the validator of a model."""
    return BoundedValidator(model.__pydantic_core_schema__)


def _wrapped(schema: Schema, validate: Callable[[Any, Any], Any]) -> Schema:
    """Return the schema of a function around a validator, in its place."""
    inner = {key: value for key, value in schema.items() if key != "ref"}
    function = {"type": "no-info", "function": validate}
    outer = {"type": "function-wrap", "function": function, "schema": inner}
    return outer | ({"ref": schema["ref"]} if "ref" in schema else {})


def _failing_fast(schema: Schema) -> Schema:
    return schema | {"fail_fast": True} if _is_container(schema) else schema


def _resuming(schema: Schema) -> Schema:
    return _wrapped(schema, first_faults) if _is_container(schema) else schema


def _is_container(schema: Schema) -> bool:
    """Check for a type of values with any number of items."""
    kind = schema["type"]
    return kind in _CONTAINERS or (kind == "tuple" and schema.get("variadic_item_index") == 0)


_CONTAINERS = ("list", "set", "frozenset", "dict")


def _with_few_keys(schema: Schema) -> Schema:
    """Drop most of the unknown keys that a class refuses, before it reports each of them."""
    config = schema.get("config") or {}
    extra = schema.get("extra_behavior") or config.get("extra_fields_behavior")
    if schema["type"] not in ("model", "dataclass") or extra != "forbid":
        return schema
    before = {"type": "no-info", "function": partial(few_keys, _known_keys(schema))}
    inner = {"type": "function-before", "function": before, "schema": schema["schema"]}
    return schema | {"schema": inner}


def _known_keys(schema: Schema) -> frozenset[str]:
    """Return the names and aliases of the fields of a class."""
    while "fields" not in schema or schema["type"] == "dataclass":
        schema = schema["schema"]
    fields = schema["fields"]
    named = fields.items() if isinstance(fields, dict) else ((f["name"], f) for f in fields)
    aliases = ((name, field.get("validation_alias")) for name, field in named)
    return frozenset(_texts(aliases))


def _texts(names: Any) -> Iterator[str]:
    """Yield all texts in nested sequences."""
    for name in names:
        if isinstance(name, str):
            yield name
        elif isinstance(name, list | tuple):
            yield from _texts(name)
