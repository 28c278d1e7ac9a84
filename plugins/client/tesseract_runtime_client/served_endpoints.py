"""The endpoints of a Tesseract and the fields of their payloads, as its OpenAPI document has them.

Servers of other projects have documents of the same form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Any

from pydantic import BaseModel

from runtime_core.errors import did_you_mean, listed

Inputs = Mapping[str, Any] | BaseModel
"""Inputs of `apply`: numpy arrays in dicts and lists, or a pydantic model."""

Fields = Mapping[str, Mapping[str, Any]]
"""The JSON Schema of each field of a payload."""


class ServedEndpoints:
    """The endpoints of a Tesseract, of the core and of plugins alike."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        self._operations = {
            path.removeprefix("/"): operation for path, operation in openapi["paths"].items()
        }
        self._components = openapi.get("components", {}).get("schemas", {})

    @property
    def names(self) -> list[str]:
        """The names of the endpoints."""
        return [*self._operations]

    def is_constant(self, name: str) -> bool:
        """Check whether an endpoint has no payload."""
        return name in self._operations and "post" not in self._operations[name]

    def missing(self, name: str) -> str:
        """Return the message for an endpoint that the Tesseract does not have."""
        return (
            f"The Tesseract has no endpoint {name!r}.{did_you_mean(name, self._operations)} "
            f"Endpoints: {listed(self._operations)}."
        )

    def payload(self, name: str, inputs: Inputs | None, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payload of an endpoint from inputs, and from fields of it and of the inputs.

        A set of paths may be given as any collection, or as a single path.
        """
        fields = self._fields(name)
        payload = {key: _plain(fields[key], value) for key, value in named.items() if key in fields}
        others = {key: value for key, value in named.items() if key not in fields}
        if "inputs" in fields or inputs is not None:
            return {"inputs": merged(inputs, others), **payload}
        return {**payload, **others}  # the Tesseract reports those that it does not know

    def _fields(self, name: str) -> Fields:
        try:
            content = self._operations[name]["post"]["requestBody"]["content"]
            reference = content["application/json"]["schema"]["$ref"]
        except KeyError:
            return {}
        fields: Fields = self._components[reference.rpartition("/")[2]].get("properties", {})
        return fields


def merged(inputs: Inputs | None, fields: Mapping[str, Any]) -> Inputs:
    """Return inputs with some of their fields given by name."""
    if not fields:
        return {} if inputs is None else inputs
    if isinstance(inputs, BaseModel):
        return inputs.model_copy(update=fields)
    return {**(inputs or {}), **fields}


def path_list(names: Collection[str]) -> list[str]:
    """Return paths as a list; a text is a single one.

    >>> path_list("x"), path_list({"b", "a"})
    (['x'], ['a', 'b'])
    """
    if isinstance(names, str):
        return [names]
    return sorted(names) if isinstance(names, Set) else list(names)


def _plain(schema: Mapping[str, Any], value: Any) -> Any:
    """Return a set, which JSON has not, as a list."""
    return path_list(value) if schema.get("uniqueItems") else value
