"""The fields of a model as an indented tree, for help texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.schemas.walk import children, is_array, is_model


def field_tree(model: type[BaseModel]) -> str:
    """Return one line per field: its name, type, default and description.

    >>> from pydantic import Field
    >>> class Point(BaseModel):
    ...     x: float = Field(1.0, description="Metres east.")
    >>> print(field_tree(Point))
      x: float = 1.0 -- Metres east.
    """
    if lines := [*_lines(model, "  ", ())]:
        return "\n".join(lines)
    if not issubclass(model, RootModel):
        return "  no fields"
    return f"  {_type(model.model_fields['root'].annotation)}{_text(model.__doc__)}"


def _lines(annotation: Any, indent: str, seen: tuple[Any, ...]) -> Iterator[str]:
    for model in _models(annotation):
        if model in seen:
            continue
        if issubclass(model, RootModel):
            yield from _lines(model.model_fields["root"].annotation, indent, (*seen, model))
            continue
        for name, field in model.model_fields.items():
            text = f"{_type(field.annotation)}{_default(field)}{_text(field.description)}"
            yield f"{indent}{name}: {text}"
            yield from _lines(field.annotation, indent + "  ", (*seen, model))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if is_model(annotation):
        yield annotation
    elif not is_array(annotation):
        for _, inner in children(annotation):
            yield from _models(inner)


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
    return getattr(annotation, "__name__", repr(annotation))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return " = ..."
    return "" if field.default is PydanticUndefined else f" = {field.default!r:.40}"


def _text(description: str | None) -> str:
    return f" -- {' '.join(description.split())}" if description else ""
