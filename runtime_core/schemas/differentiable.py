"""The differentiable arrays of a schema, and the payload fields with paths to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import Expected, Shape
from runtime_core.arrays.dtypes import DTYPES, NAMES
from runtime_core.arrays.shape_dtype import ShapeDType
from runtime_core.errors import did_you_mean, shortened
from runtime_core.paths import Field as FieldStep
from runtime_core.paths import (
    InvalidPath,
    Path,
    expand,
    get,
    is_concrete,
    matches,
    parse,
    pattern,
    render,
)
from runtime_core.schemas.walk import fields_of, is_array, is_model, walk

MOST_PATHS = 10_000
"""Paths in one list of a payload."""

_LEAVES = (np.ndarray, np.generic, ShapeDType)


class DifferentiableArrays:
    """The differentiable arrays of one schema, by path."""

    def __init__(self, schema: type[BaseModel]) -> None:
        self.schema = schema

    @cached_property
    def by_template(self) -> Mapping[Path, Sequence[Any]]:
        """The array types at each template: several if members of a union share it."""
        found: dict[Path, list[Any]] = {}
        for node in walk(self.schema):
            if is_array(node.type) and node.type.flags:
                found.setdefault(node.path, []).append(node.type)
        return found

    @cached_property
    def _others(self) -> Mapping[Path, str]:
        """The numbers that are not differentiable, by template, and how each would become so."""
        found: dict[Path, str] = {}
        for node in walk(self.schema):
            if is_array(node.type) and not node.type.flags:
                found[node.path] = "add Differentiable[...] to"
            for name, field in fields_of(node.type).items() if is_model(node.type) else ():
                if field.annotation is float:
                    found[(*node.path, FieldStep(name))] = (
                        "declare as Differentiable[Float64] the float"
                    )
        return found

    @property
    def templates(self) -> list[str]:
        """The templates as text."""
        return [render(template) for template in self.by_template]

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        """The data type and, unless any is allowed, the shape of each array, by template."""
        return {render(path): _description(types) for path, types in self.by_template.items()}

    def declared(self, path: str) -> Expected | None:
        """Return the declared shape and data type of the array at a path, or `None`.

        A size, shape or data type is left open if members of a union differ in it. Raises
        `InvalidPath` for an invalid path.
        """
        steps = parse(path)
        for template, types in self.by_template.items():
            if matches(template, steps):
                dtypes = {array.expected_dtype for array in types}
                dtype = DTYPES[dtypes.pop()] if len(dtypes) == 1 else None
                return Expected(shape=_common_shape(types), dtype=dtype)
        return None

    def leaves(self, value: BaseModel) -> Iterator[tuple[str, Any]]:
        """Yield the path and array of every differentiable leaf of a value."""
        for template in self.by_template:
            for path, leaf in expand(value, template):
                if isinstance(leaf, _LEAVES):  # a union may have another member here
                    yield render(path), leaf

    def paths_of_inputs(self, doc: str) -> Any:
        """Make a field of paths to arrays of the payload's `inputs`."""
        return self._field(doc, AfterValidator(self._check_present))

    def paths_of_outputs(self, doc: str) -> Any:
        """Make a field of paths to arrays of the outputs."""
        return self._field(doc)

    def _field(self, doc: str, *checks: AfterValidator) -> Any:
        """Make the annotation and default of a field with one or more unique paths."""
        known = AfterValidator(self._check)
        item: Any = Annotated[(str, known, *checks, Field(json_schema_extra=self._describe))]
        unique = AfterValidator(lambda paths: list(dict.fromkeys(paths)))
        extra: Any = {"uniqueItems": True}
        return (
            Annotated[list[item], Field(max_length=MOST_PATHS), unique],
            Field(min_length=1, description=doc, json_schema_extra=extra),
        )

    def _check(self, path: str) -> str:
        try:
            known = self.declared(path) is not None
        except InvalidPath as error:
            raise _unknown_path(f"{error}", self.templates) from None
        if known:
            return path
        problem = f"{shortened(path)!r} is not the path of a differentiable array."
        raise _unknown_path(f"{problem}{self._advice(path)}", self.templates)

    def _advice(self, path: str) -> str:
        steps = parse(path)
        for template, advice in self._others.items():
            if matches(template, steps):
                return f" To make it one, {advice} {render(template)} in {self.schema.__name__}."
        return did_you_mean(path, self.templates)

    def _check_present(self, path: str, info: ValidationInfo) -> str:
        inputs = (info.data or {}).get("inputs")
        if inputs is None or _holds_leaf(inputs, parse(path)):
            return path  # without inputs, these are invalid themselves
        present = [path for path, _ in self.leaves(inputs)]
        raise _unknown_path(f"The inputs have no array at {shortened(path)!r}.", present)

    def _describe(self, schema: dict[str, Any]) -> None:
        """Add the valid paths to the JSON Schema of a path."""
        kinds = [
            {"type": "string", "const": render(template)}
            if is_concrete(template)
            else {"type": "string", "pattern": pattern(template)}
            for template in self.by_template
        ]
        schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _description(types: Sequence[Any]) -> dict[str, Any]:
    shape = _common_shape(types)
    dtype = np.result_type(*(DTYPES[array.expected_dtype] for array in types))
    return {"dtype": NAMES[dtype]} | ({} if shape is ... else {"shape": [*shape]})


def _common_shape(types: Sequence[Any]) -> Shape:
    """Return the shape of the members of a union, with `None` for sizes in which they differ."""
    shapes = [array.expected_shape for array in types]
    if ... in shapes or len({*map(len, shapes)}) > 1:
        return ...
    return tuple(sizes[0] if len({*sizes}) == 1 else None for sizes in zip(*shapes, strict=True))


_MOST = 20  # paths in a message


def _holds_leaf(value: BaseModel, path: Path) -> bool:
    try:
        return isinstance(get(value, path), _LEAVES)
    except InvalidPath:
        return False


def _unknown_path(problem: str, valid: Sequence[str]) -> PydanticCustomError:
    shown = ", ".join(valid[:_MOST]) or "none"
    more = f" and {len(valid) - _MOST} more" if len(valid) > _MOST else ""
    return PydanticCustomError(
        "unknown_path",
        "{problem} Valid: {valid}.",
        {"problem": problem, "valid": shown + more},
    )
