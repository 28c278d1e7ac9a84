"""The fields of payloads for tangents and cotangents, and the shapes of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    """Return the field of a tangent: an array for each of the input paths, shaped as that input."""

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        value = info.data.get("inputs")
        if value is None or path not in info.data.get(JVP.input_paths, ()):
            return None  # the paths or the inputs are invalid themselves
        leaf = get(value, parse(path))  # it is there: the paths are validated against the inputs
        declared = schemas.differentiable_inputs.declared(path)
        return Expected(shape=tuple(leaf.shape), dtype=declared.dtype if declared else None)

    doc = f"Tangent vector, {{{JVP.input_paths}: array}}. Each array has the shape of its input."
    return _vector_field("Tangent", JVP.input_paths, expected, doc)


def cotangent_field(schemas: PayloadSchemas) -> Any:
    """Return the field of a cotangent: an array for each of the output paths.

    The arrays are validated against the declarations of their outputs.
    """

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        asked = path in info.data.get(VJP.output_paths, ())
        return schemas.differentiable_outputs.declared(path) if asked else None

    doc = (
        f"Cotangent vector, {{{VJP.output_paths}: array}}. Each array has the shape of its output."
    )
    return _vector_field("Cotangent", VJP.output_paths, expected, doc)


@dataclass(frozen=True, slots=True)
class _Keyed:
    """An array of a vector with its path, which validators of values do not get."""

    path: str
    value: Any


def _vector_field(
    noun: str,
    paths_field: str,
    expected: Callable[[str, ValidationInfo], Expected | None],
    doc: str,
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
        _check_keys(vector, info.data.get(paths_field), f"{noun.lower()} vector", paths_field)
        return vector

    array: Any = Annotated[GradientArray, WrapValidator(fit)]
    annotation = Annotated[dict[str, array], BeforeValidator(keyed), AfterValidator(check)]
    return annotation, Field(description=doc)


def cotangents_of_shapes(
    cotangents: Mapping[str, AnyArray], shapes: OutputShapes, inputs: BaseModel
) -> dict[str, Any]:
    """Return cotangents of exactly the shapes that the outputs have at these inputs.

    A size of 1 is broadcast. Raises `InvalidPayload` for any other difference.
    """
    fitted: dict[str, Any] = {}
    faults = []
    for path, cotangent in cotangents.items():
        expected = shapes.at(inputs, path)
        try:
            fitted[path] = Expected(shape=expected, dtype=None).coerce(np.asarray(cotangent))
        except PydanticCustomError as error:
            place = [VJP.vector, path]
            message = f"Cotangent of {path!r}: {error.message()}"
            faults.append({"type": error.type, "loc": place, "msg": message})
    if faults:
        raise InvalidPayload(faults)
    return fitted


def _check_keys(
    vector: Mapping[str, Any], asked: Sequence[str] | None, noun: str, field: str
) -> None:
    if asked is not None and vector.keys() != set(asked):
        raise PydanticCustomError(
            "value_error",
            "Expected {noun} with keys conforming to {field}: {asked}, got {got}",
            {
                "noun": noun,
                "field": field,
                "asked": listed(asked),
                "got": listed([key[:60] for key in vector][:8]),
            },
        )


def _of_path(noun: str, path: str, error: PydanticCustomError) -> PydanticCustomError:
    return PydanticCustomError(
        error.type,
        "{noun} of {path}: {problem}",
        {"noun": noun, "path": repr(path), "problem": error.message()},
    )
