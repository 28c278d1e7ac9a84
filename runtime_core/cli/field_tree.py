"""The fields of a model as an indented tree, for help texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaMode
from pydantic_core import PydanticUndefined

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.schemas.generated import author_of
from runtime_core.schemas.structures import is_structure, types_of
from runtime_core.schemas.walk import children, is_array, is_model


def field_tree(model: type[BaseModel], mode: JsonSchemaMode = "validation") -> str:
    """Return one line per field: its name, type, default and description.

    Names are those in documents: of payloads, or of results in serialization mode.

    >>> from pydantic import Field
    >>> class Point(BaseModel):
    ...     x: float = Field(1.0, description="Metres east.")
    >>> print(field_tree(Point))
      x: float = 1.0 -- Metres east.
    """
    if lines := [*_lines(model, "  ", (), mode)]:
        return "\n".join(lines)
    if not issubclass(model, RootModel):
        return "  no fields"
    return f"  {_type(model.model_fields['root'].annotation)}{_text(model.__doc__)}"


def _lines(
    annotation: Any, indent: str, seen: tuple[Any, ...], mode: JsonSchemaMode
) -> Iterator[str]:
    for part in _classes(annotation):
        if part in seen:
            continue
        if is_model(part) and issubclass(part, RootModel):
            yield from _lines(part.model_fields["root"].annotation, indent, (*seen, part), mode)
            continue
        for name, inner, text in _fields(part, mode):
            yield f"{indent}{name}: {_type(inner)}{text}"
            yield from _lines(inner, indent + "  ", (*seen, part), mode)


def _classes(annotation: Any) -> Iterator[Any]:
    """Yield the models and structures in an annotation."""
    if is_model(annotation) or is_structure(annotation):
        yield annotation
    elif not is_array(annotation):
        for _, inner in children(annotation):
            yield from _classes(inner)


def _fields(part: Any, mode: JsonSchemaMode) -> Iterator[tuple[str, Any, str]]:
    """Yield name, type, and default with description of the fields of a model or structure."""
    if is_structure(part):
        yield from ((name, inner, "") for name, inner in types_of(part).items())
        return
    for name, field in part.model_fields.items():
        alias = getattr(field, f"{mode}_alias")
        shown = alias if isinstance(alias, str) else name
        yield shown, field.annotation, f"{_default(field)}{_text(field.description)}"


def _type(annotation: Any) -> str:
    if is_array(annotation):
        return repr(annotation).replace("'", "")
    if annotation is GradientArray:
        return "array"
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_args(annotation):
        origin = getattr(get_origin(annotation), "__name__", "")
        names = [_type(argument) for argument in get_args(annotation)]
        if origin in ("Union", "UnionType"):
            return " | ".join(names)
        return f"{origin}[{', '.join(names)}]" if origin else repr(annotation)
    if annotation is type(None):
        return "None"
    return getattr(author_of(annotation) or annotation, "__name__", repr(annotation))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return " = ..."
    return "" if field.default is PydanticUndefined else f" = {field.default!r:.40}"


def _text(description: str | None) -> str:
    return f" -- {' '.join(description.split())}" if description else ""
