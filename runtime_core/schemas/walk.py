"""Walks the types of a model: its arrays and models, with their paths.

Paths are templates: names of fields, `[]` for the items of a list, `[0]` for an item of a tuple of
fixed length and `{}` for the values of a dict, as in `layers.[].weights`.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from runtime_core.arrays.annotation import Array
from runtime_core.errors import InvalidTesseract
from runtime_core.paths import Field, Index, Key, Path, render
from runtime_core.schemas.structures import class_of, is_structure, types_of

UNIONS = (Union, types.UnionType)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A model or an array type inside a model, with its path.

    `choice` says whether it is inside of a union with other types than `None`.
    """

    path: Path
    type: Any
    choice: bool

    @property
    def template(self) -> str:
        """The path as text."""
        return render(self.path)


def is_array(annotation: Any) -> bool:
    """Check whether an annotation is an array type."""
    return isinstance(annotation, type) and issubclass(annotation, Array)


def is_model(annotation: Any) -> bool:
    """Check whether an annotation is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def walk(
    annotation: Any, path: Path = (), seen: tuple[Any, ...] = (), choice: bool = False
) -> Iterator[Node]:
    """Yield every model and array type in an annotation, outermost first."""
    if is_array(annotation):
        yield Node(path=path, type=annotation, choice=choice)
    elif is_model(annotation):
        if annotation in seen:
            return  # a recursive model has no end, and its first level has all of its types
        yield Node(path=path, type=annotation, choice=choice)
        for name, field in fields_of(annotation).items():
            inner = field.annotation
            yield from walk(inner, (*path, Field(name)), (*seen, annotation), choice)
    elif is_structure(annotation):
        yield from _walk_structure(annotation, path, seen, choice)
    elif not isinstance(annotation, TypeAliasType) or annotation not in seen:
        choice = choice or _is_choice(annotation)
        for step, inner in children(annotation):
            yield from walk(inner, (*path, *step), (*seen, annotation), choice)


def _is_choice(annotation: Any) -> bool:
    members = [member for member in get_args(annotation) if member is not types.NoneType]
    return get_origin(annotation) in UNIONS and len(members) > 1


def _walk_structure(
    structure: Any, path: Path, seen: tuple[Any, ...], choice: bool
) -> Iterator[Node]:
    if structure in seen:
        return
    for step, inner in children(structure):
        for node in walk(inner, (*path, *step), (*seen, structure), choice):
            if is_array(node.type) and node.type.flags:
                raise _differentiable(class_of(structure).__name__, node.path[len(path) :])
            yield node


def _differentiable(structure: str, path: Path) -> InvalidTesseract:
    return InvalidTesseract(
        f"{structure}.{render(path)} is differentiable, but {structure} is not a "
        "pydantic.BaseModel: gradients have no paths into other classes. Make it one, or declare "
        "the array without Differentiable."
    )


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model, with forward references resolved.

    Raises `InvalidTesseract` for an undefined type.
    """
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidTesseract(
                f"{model.__name__} names the type {error.name!r}, which is not defined."
            ) from None
    return model.model_fields


def children(annotation: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the types inside a container type, each with its step of a path."""
    if isinstance(annotation, TypeAliasType):
        yield (), annotation.__value__
        return
    if is_structure(annotation):
        yield from (((Field(name),), inner) for name, inner in types_of(annotation).items())
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, TypeAliasType):
        yield (), origin.__value__[arguments]
    elif origin is Annotated:
        yield (), arguments[0]
    elif origin in UNIONS:
        yield from (((), argument) for argument in arguments)
    elif origin is tuple and arguments[-1:] != (...,):
        yield from (((Index(i),), argument) for i, argument in enumerate(arguments))
    elif arguments and isinstance(origin, type) and issubclass(origin, Mapping):
        yield (Key(None),), arguments[1]
    elif arguments and arguments[0] is not ...:
        yield (Index(None),), arguments[0]


def holds_arrays(annotation: Any) -> bool:
    """Check whether an annotation contains an array."""
    return any(is_array(node.type) for node in walk(annotation))


def field_order(model: type[BaseModel]) -> dict[str, list[str]]:
    """Return the ordered field names of each nested model, by path.

    The fields of several models of a union follow one another.
    """
    order: dict[str, dict[str, None]] = {}
    for node in walk(model):
        if is_model(node.type):
            order.setdefault(node.template, {}).update(dict.fromkeys(fields_of(node.type)))
    return {path: list(names) for path, names in order.items()}
