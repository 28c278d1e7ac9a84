"""The fields of payloads for tangents and cotangents, and the shapes of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import AnyArray, Expected
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.errors import InvalidPayload, listed
from runtime_core.gradients import JVP, VJP
from runtime_core.paths import get, parse
from runtime_core.schemas import PayloadSchemas


def tangent_field(schemas: PayloadSchemas) -> Any:
    """Define the field of a tangent: an array for each input path, with the shape of that input."""

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        value = info.data.get("inputs")
        if value is None or path not in info.data.get(JVP.input_paths, ()):
            return None  # the paths or the inputs are invalid themselves
        leaf = get(value, parse(path))  # it is there: the paths are validated against the inputs
        declared = schemas.differentiable_inputs.declared(path)
        return Expected(shape=tuple(leaf.shape), dtype=declared.dtype if declared else None)

    return _vector_field("Tangent", JVP.input_paths, "input", expected)


def cotangent_field(schemas: PayloadSchemas) -> Any:
    """Define the field of a cotangent: an array for each output path, as that is declared."""

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        asked = path in info.data.get(VJP.output_paths, ())
        return schemas.differentiable_outputs.declared(path) if asked else None

    return _vector_field("Cotangent", VJP.output_paths, "output", expected)


@dataclass(frozen=True, slots=True)
class _Keyed:
    """An array of a vector with its path, which pydantic does not pass to validators of values."""

    path: str
    value: Any


def _vector_field(
    noun: str,
    paths_field: str,
    side: str,
    expected: Callable[[str, ValidationInfo], Expected | None],
) -> Any:
    """Return annotation and default of the field of a vector, as `create_model` takes them."""

    def keyed(vector: Any) -> Any:
        if not isinstance(vector, Mapping):
            return vector
        return {path: _Keyed(path, value) for path, value in vector.items()}

    def fit(item: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        array = handler(item.value)
        wanted = expected(item.path, info)
        if wanted is None:
            return array
        try:
            return wanted.coerce(np.asarray(array))
        except PydanticCustomError as error:
            raise _of_path(noun, item.path, error) from None

    def check(vector: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        asked = info.data.get(paths_field)
        if asked is None or vector.keys() == set(asked):
            return vector
        raise PydanticCustomError(
            "value_error",
            "Expected {noun} vector with keys conforming to {field}: {asked}, got {got}",
            {
                "noun": noun.lower(),
                "field": paths_field,
                "asked": listed(asked),
                "got": listed([key[:60] for key in vector][:8]),
            },
        )

    array: Any = Annotated[GradientArray, WrapValidator(fit)]
    annotation = Annotated[dict[str, array], BeforeValidator(keyed), AfterValidator(check)]
    doc = f"{noun} vector, {{{paths_field}: array}}. Each array has the shape of its {side}."
    return annotation, Field(description=doc)


def cotangents_of_shapes(
    cotangents: Mapping[str, AnyArray], shapes: OutputShapes, inputs: BaseModel
) -> dict[str, Any]:
    """Broadcast sizes of 1 in cotangents to the shapes of the outputs at some inputs.

    Raises `InvalidPayload` for other shapes.
    """
    fitted: dict[str, Any] = {}
    faults = []
    for path, cotangent in cotangents.items():
        expected = shapes.at(inputs, path)
        try:
            fitted[path] = Expected(shape=expected, dtype=None).coerce(np.asarray(cotangent))
        except PydanticCustomError as error:
            message = f"Cotangent of {path!r}: {error.message()}"
            faults.append({"type": error.type, "loc": [VJP.vector, path], "msg": message})
    if faults:
        raise InvalidPayload(faults)
    return fitted


def _of_path(noun: str, path: str, error: PydanticCustomError) -> PydanticCustomError:
    return PydanticCustomError(
        error.type,
        "{noun} of {path}: {problem}",
        {"noun": noun, "path": repr(path), "problem": error.message()},
    )
