"""The types of options: which of them text can set, and how it is read."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, RootModel

_UNION = (Union, types.UnionType)

_LISTS = (list, tuple, set, frozenset)

_UNSETTABLE = (type, types.FunctionType, types.ModuleType)

_STANDARD = frozenset(
    {"builtins", "datetime", "decimal", "enum", "fractions", "ipaddress", "pathlib", "re", "uuid"}
)
"""Modules of the types that pydantic reads from text without a schema of their own."""


def arms_of(annotation: Any) -> tuple[Any, ...]:
    """Return the choices of a type, without annotations, other names and `None`.

    >>> arms_of(int | list[str] | None)
    (<class 'int'>, list[str])
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return arms_of(get_args(annotation)[0])
    if origin in _UNION:
        return tuple(arm for each in get_args(annotation) for arm in arms_of(each))
    for behind in ("__supertype__", "__value__"):  # of a `NewType`, and of a statement `type`
        if hasattr(annotation, behind):
            return arms_of(getattr(annotation, behind))
    return () if annotation in (None, type(None)) else (annotation,)


def nested_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model whose fields are options of their own, if a type is one or `None`."""
    arms = arms_of(annotation)
    is_model = len(arms) == 1 and isinstance(arms[0], type) and issubclass(arms[0], BaseModel)
    return arms[0] if is_model and not issubclass(arms[0], RootModel) else None


def is_list(annotation: Any) -> bool:
    """Test whether an option may be repeated."""
    return any(_is_list(arm) for arm in arms_of(annotation))


def parsing_fields(model: type[BaseModel]) -> Iterator[str]:
    """Yield the fields of a model whose validators take what was given, before their types do."""
    for name, field in model.model_fields.items():
        own = [each for each in field.metadata if hasattr(each, "func")]
        if any(not isinstance(each, AfterValidator) for each in own):
            yield name
    for validator in model.__pydantic_decorators__.field_validators.values():
        if validator.info.mode != "after":
            yield from validator.info.fields


def unsettable(annotation: Any) -> str:
    """Return the part of a type that no text can set, or an empty text.

    >>> unsettable(list[int]), unsettable(dict[str, Callable[[], int]] | None)
    ('', 'collections.abc.Callable[[], int]')
    """
    return next(_unsettable(annotation, ()), "")


def _unsettable(annotation: Any, outer: tuple[Any, ...]) -> Iterator[str]:
    for arm in arms_of(annotation):
        kind = get_origin(arm) or arm
        if arm in outer:
            yield f"{_name(arm)}, which contains itself"
        elif kind is Literal or isinstance(arm, TypeVar) or arm in (Any, object):
            pass
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            parsing = {*parsing_fields(kind)}
            for name, field in kind.model_fields.items():
                if name not in parsing:
                    yield from _unsettable(field.annotation, (*outer, arm))
        elif _is_list(arm) or _is_mapping(kind):
            for part in get_args(arm):
                if part is not Ellipsis:
                    yield from _unsettable(part, outer)
        elif not _is_settable(kind):
            yield _name(arm)


def _is_settable(kind: Any) -> bool:
    if not isinstance(kind, type) or issubclass(kind, _UNSETTABLE) or kind is Callable:
        return False
    if _has_fields(kind) or hasattr(kind, "__get_pydantic_core_schema__"):
        return True
    # By package: `Path` lies in `pathlib._local` of Python 3.13.
    return any(base.__module__.partition(".")[0] in _STANDARD for base in kind.__mro__[:-1])


def _is_list(arm: Any) -> bool:
    kind = get_origin(arm) or arm
    if not isinstance(kind, type) or issubclass(kind, str | bytes | Mapping):
        return False
    is_generic = kind.__module__ == "collections.abc" and issubclass(kind, Iterable)
    return (kind in _LISTS or is_generic) and not hasattr(kind, "_fields")


def _is_mapping(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Mapping)


def _name(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    is_plain = isinstance(annotation, type) and not get_args(annotation)
    return annotation.__name__ if is_plain else str(annotation)


def value_of(annotation: Any, given: Any) -> Any:
    """Convert text that was given for a type to a value that pydantic validates.

    Lists are JSON, or texts with commas between them; mappings, models and lists of these are JSON.
    Raises `ValueError` for text that is not valid JSON.

    >>> value_of(list[int], "1,2"), value_of(list[int], ["1", "2,3"])
    (['1', '2'], ['1', '2', '3'])
    >>> value_of(list[str], '["a,b"]'), value_of(dict[str, int], '{"a": 1}')
    (['a,b'], {'a': 1})
    """
    if is_list(annotation) and isinstance(given, str | list | tuple):
        items = next(get_args(arm) for arm in arms_of(annotation) if _is_list(arm))
        texts = [given] if isinstance(given, str) else given
        return [item for text in texts for item in _items(text, is_json=_takes_json(items))]
    if isinstance(given, str) and _takes_json(arms_of(annotation)) and given.lstrip()[:1] in "{[":
        return _json(given)
    return given


def _items(text: Any, *, is_json: bool) -> list[Any]:
    if not isinstance(text, str):
        return [text]
    if text.lstrip().startswith("["):
        parsed: list[Any] = _json(text)
        return parsed
    if is_json:
        return [_json(text)]
    return [part.strip() for part in text.split(",") if part.strip()]


def _takes_json(annotations: Iterable[Any]) -> bool:
    """Test whether one of some types is written as an object or a list."""
    kinds = [get_origin(arm) or arm for each in annotations for arm in arms_of(each)]
    return any(_is_list(kind) or _is_mapping(kind) or _has_fields(kind) for kind in kinds)


def _has_fields(kind: Any) -> bool:
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return is_model or is_dataclass(kind) or hasattr(kind, "__total__") or hasattr(kind, "_fields")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"not valid JSON: {error}") from None
