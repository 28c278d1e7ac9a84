"""The fields of models that hold secrets, whose values no message may show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

_SECRETS = (Secret, SecretBytes, SecretStr)


class Secrets(NamedTuple):
    """Where the values of a type are secret: everywhere, or below fields of some names."""

    whole: bool
    names: frozenset[str]

    def __bool__(self) -> bool:
        return self.whole or bool(self.names)


@cache  # one entry a model, which lives as long as its Tesseract or plugin
def secrets_of(schema: Any) -> Secrets:
    """Find the secrets of a type, at any depth; names are those of fields and their aliases.

    >>> class Login(BaseModel):
    ...     user: str
    ...     password: SecretStr | None = None
    >>> secrets_of(list[Login])
    Secrets(whole=False, names=frozenset({'password'}))
    >>> secrets_of(list[SecretStr])
    Secrets(whole=True, names=frozenset())
    """
    return Secrets(_is_secret(schema, set()), frozenset(_names(schema, set())))


def _names(annotation: Any, seen: set[int]) -> Iterator[str]:
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    for inner in _parts(annotation):
        yield from _names(inner, seen)
    for name, inner, aliases in _fields(annotation):
        if _is_secret(inner, set()):
            yield from (name, *aliases)
        yield from _names(inner, seen)


def _is_secret(annotation: Any, seen: set[int]) -> bool:
    if id(annotation) in seen:
        return False
    seen.add(id(annotation))
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, _SECRETS):
        return True
    parts = [*_parts(annotation)]
    if isinstance(kind, type) and issubclass(kind, RootModel):
        parts.append(kind.model_fields["root"].annotation)
    return any(_is_secret(part, seen) for part in parts)


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the arguments of a generic type, and the type behind a name for it."""
    yield from get_args(annotation)
    for behind in ("__supertype__", "__value__"):  # of a `NewType`, and of a statement `type`
        if hasattr(annotation, behind):
            yield getattr(annotation, behind)


def _fields(annotation: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    if not isinstance(annotation, type):
        return
    if issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield name, field.annotation, _aliases(field)
    elif is_dataclass(annotation) or any(hasattr(annotation, mark) for mark in _MARKS):
        for name, inner in _hints(annotation).items():
            yield name, inner, ()


_MARKS = ("_fields", "__total__")
"""Attributes of named tuples, and of the typed dicts of both libraries that have them."""


def _aliases(field: FieldInfo) -> tuple[str, ...]:
    return tuple(_texts(field.alias, field.validation_alias))


def _texts(*aliases: Any) -> Iterator[str]:
    for alias in aliases:
        if isinstance(alias, str):
            yield alias
        elif isinstance(alias, AliasChoices):
            yield from _texts(*alias.choices)
        elif isinstance(alias, AliasPath):
            yield from _texts(*alias.path)


def _hints(annotation: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(annotation)
    except (NameError, TypeError):  # of a class that pydantic did not need to understand
        return {}
