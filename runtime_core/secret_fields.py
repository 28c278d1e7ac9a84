"""The fields of models that hold secrets, whose values no message may show."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

_SECRETS = (Secret, SecretBytes, SecretStr)


@cache  # one entry a model, which lives as long as its Tesseract or plugin
def secret_names(schema: Any) -> frozenset[str]:
    """Return the names and aliases of the fields of a type, at any depth, that hold secrets.

    >>> class Login(BaseModel):
    ...     user: str
    ...     password: SecretStr | None = None
    >>> secret_names(list[Login])
    frozenset({'password'})
    """
    return frozenset(_names(schema, set()))


def _names(annotation: Any, seen: set[int]) -> Iterator[str]:
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    for inner in get_args(annotation):
        yield from _names(inner, seen)
    for name, inner, aliases in _fields(annotation):
        if _is_secret(inner):
            yield from (name, *aliases)
        yield from _names(inner, seen)


def _fields(annotation: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    if not isinstance(annotation, type):
        return
    if issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield name, field.annotation, _aliases(field)
    elif "__annotations__" in vars(annotation):  # of a dataclass, a named tuple or a typed dict
        for name, inner in _hints(annotation).items():
            yield name, inner, ()


def _aliases(field: FieldInfo) -> tuple[str, ...]:
    return tuple(a for a in (field.alias, field.validation_alias) if isinstance(a, str))


def _hints(annotation: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(annotation)
    except (NameError, TypeError):  # of a class that pydantic did not need to understand
        return {}


def _is_secret(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, _SECRETS):
        return True
    return any(map(_is_secret, get_args(annotation)))
