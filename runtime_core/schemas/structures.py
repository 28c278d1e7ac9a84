"""Structures: typed dicts, named tuples and dataclasses, which have typed fields but no paths."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from typing import (
    Annotated,
    Any,
    NotRequired,
    Required,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import Field, PlainSerializer, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import PydanticKnownError
from typing_extensions import ReadOnly, TypedDict, is_typeddict

from runtime_core.schemas.defaults import Default, fits, read_default

_QUALIFIERS = (Required, NotRequired, ReadOnly)


def is_structure(annotation: Any) -> bool:
    """Check for a typed dict, a named tuple or a dataclass, generic or not."""
    kind = class_of(annotation)
    return isinstance(kind, type) and (
        is_typeddict(kind) or is_dataclass(kind) or _is_named_tuple(kind)
    )


def class_of(structure: Any) -> Any:
    """Return the class of a structure, which is the origin of a generic one."""
    return get_origin(structure) or structure


def types_of(structure: Any) -> dict[str, Any]:
    """Return the annotations of the fields of a structure, with the arguments of a generic one.

    They are empty if one names an undefined type, which pydantic reports.
    """
    kind = class_of(structure)
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError:
        return {}
    arguments = dict(zip(getattr(kind, "__parameters__", ()), get_args(structure), strict=False))
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else [*hints]
    return {name: _unqualified(_concrete(hints[name], arguments)) for name in names}


def rebuilt(
    structure: Any, name: str, annotations: Mapping[str, Any], arrays: Collection[str]
) -> Any:
    """Return the annotation of a structure with other types of fields.

    Values are instances of the author's class, and instances that the author made are accepted.
    Defaults of the fields in `arrays` are validated.
    """
    kind = class_of(structure)
    if is_typeddict(kind):
        return _typed_dict(kind, name, annotations)
    if is_dataclass(kind):
        return _dataclass(kind, name, annotations, arrays)
    return _named_tuple(kind, annotations, arrays)


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _unqualified(hint: Any) -> Any:
    return _unqualified(get_args(hint)[0]) if get_origin(hint) in _QUALIFIERS else hint


def _concrete(hint: Any, arguments: Mapping[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(arguments.get(parameter, parameter) for parameter in parameters)]


def _typed_dict(author: Any, name: str, annotations: Mapping[str, Any]) -> Any:
    hints = get_type_hints(author, include_extras=True)
    keys = {
        key: _qualifier(author, key, hints[key])[annotation]
        for key, annotation in annotations.items()
    }
    make: Any = TypedDict  # mypy knows it only as a declaration
    made = make(name, keys)
    made.__module__, made.__doc__ = author.__module__, author.__doc__
    if hasattr(author, "__pydantic_config__"):
        made.__pydantic_config__ = author.__pydantic_config__
    return Annotated[made, WrapValidator(_named_in_unions(author))]


def _named_in_unions(author: Any) -> Callable[..., Any]:
    """Make a validator whose name pydantic gives to the places of faults in a union."""

    def accept(value: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(value)

    accept.__name__ = author.__name__
    return accept


def _qualifier(author: Any, key: str, hint: Any) -> Any:
    qualifier = get_origin(hint)
    if qualifier in (Required, NotRequired):
        return qualifier  # python does not know it where annotations are texts
    return Required if key in author.__required_keys__ else NotRequired


def _named_tuple(author: Any, annotations: Mapping[str, Any], arrays: Collection[str]) -> Any:
    guarded = _guarded(author, annotations, arrays)
    defaults = {
        key: _marked(annotations[key], default) if key in arrays else default
        for key, default in author._field_defaults.items()
    }
    # It has the author's name, which messages show: JSON Schemas name no named tuple.
    made = _subclass(author, author.__name__, guarded, __slots__=(), _field_defaults=defaults)
    # pydantic 2.13 writes the items of a named tuple without regard to their types
    items: Any = types.GenericAlias(tuple, tuple(annotations.values()))
    return Annotated[made, PlainSerializer(tuple, return_type=items, when_used="json")]


def _dataclass(
    author: Any, name: str, annotations: Mapping[str, Any], arrays: Collection[str]
) -> Any:
    guarded = _guarded(author, annotations, arrays)
    every = {key: copy(field) for key, field in author.__dataclass_fields__.items()}
    for key, annotation in guarded.items():
        every[key].type = annotation
        if key in arrays:
            _mark_default(every[key], annotations[key])
    slots = {"__slots__": ()} if hasattr(author, "__slots__") else {}
    made = _subclass(author, name, guarded, __dataclass_fields__=every, **slots)
    return Annotated[made, WrapValidator(_instances_of(author, made, annotations))]


def _mark_default(field: dataclasses.Field[Any], annotation: Any) -> None:
    """Mark the default of a field if it does not fit, or if a factory makes it."""
    if field.default_factory is not MISSING:
        factory = field.default_factory
        field.default_factory = lambda: Default(factory())
    elif field.default is not MISSING:
        field.default = _marked(annotation, field.default)


def _marked(annotation: Any, default: Any) -> Any:
    return default if fits(annotation, default) else Default(default)


def _subclass(author: Any, name: str, annotations: Mapping[str, Any], **namespace: Any) -> Any:
    namespace |= {
        "__annotations__": annotations,
        "__module__": author.__module__,
        "__doc__": author.__doc__,
        "__reduce_ex__": reduced_to(author),
    }
    return types.new_class(name, (author,), {}, lambda body: body.update(namespace))


def _guarded(
    author: type, annotations: Mapping[str, Any], arrays: Collection[str]
) -> dict[str, Any]:
    """Return annotations of fields, with validators of marked defaults where there are arrays."""
    guards = {
        name: WrapValidator(partial(read_default, f"{author.__name__}.{name}")) for name in arrays
    }
    validated = Field(validate_default=True)
    return {
        name: Annotated[annotation, validated, guards[name]] if name in guards else annotation
        for name, annotation in annotations.items()
    }


def _instances_of(author: type, made: type, annotations: Mapping[str, Any]) -> Callable[..., Any]:
    """Make a validator that turns an author's instance into one of the class made for it.

    Its fields are validated, but `__post_init__`, which may change them, does not run again.
    """

    @cache
    def adapters() -> Mapping[str, TypeAdapter[Any]]:
        return {name: TypeAdapter(annotation) for name, annotation in annotations.items()}

    def accept(value: Any, handler: Callable[[Any], Any]) -> Any:
        if not isinstance(value, author):
            return author_named(handler, value, author)
        changed = copy(value)
        object.__setattr__(changed, "__class__", made)  # unions write only exact classes
        for name, adapter in adapters().items():
            object.__setattr__(changed, name, adapter.validate_python(getattr(value, name)))
        return changed

    accept.__name__ = author.__name__  # for the places of faults in unions
    return accept


def author_named(handler: Callable[[Any], Any], value: Any, author: type) -> Any:
    """Validate a value with errors that name the author's class instead of the generated one."""
    try:
        return handler(value)
    except ValidationError as error:
        if error.error_count() > 1:
            raise
        fault: Any = error.errors(include_url=False, include_input=False)[0]
        if fault["loc"] or fault["type"] not in _CLASS_ERRORS:
            raise
        raise PydanticKnownError(fault["type"], {"class_name": author.__name__}) from None


_CLASS_ERRORS = ("model_type", "dataclass_type")
"""The types of errors whose messages name the class that was expected."""


def reduced_to(author: type) -> Callable[..., Any]:
    """Make a `__reduce_ex__` that pickles and copies an instance as one of the author's class."""

    def reduce(instance: Any, protocol: int) -> tuple[Any, ...]:
        reduced: Any = object.__reduce_ex__(instance, 2)
        _, (_, *arguments), *state = reduced
        return (_new, (author, *arguments), *state)

    return reduce


def _new(author: Any, *arguments: Any) -> Any:
    return author.__new__(author, *arguments)
