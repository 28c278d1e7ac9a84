"""Tangents and cotangents: the fields of payloads that hold them, and their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import AnyArray, Expected
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.builtin.gradients.output_shapes import OutputShapes
from runtime_core.contracts import Binding
from runtime_core.errors import InvalidPayload, InvalidTesseract, listed
from runtime_core.schemas.differentiable import DifferentiableArrays

Vector = dict[str, GradientArray]


def differentiable(
    binding: Binding, function: str
) -> tuple[DifferentiableArrays, DifferentiableArrays]:
    """Return the differentiable inputs and outputs; without any there can be no gradient."""
    schemas = binding.schemas
    for arrays in (schemas.differentiable_inputs, schemas.differentiable_outputs):
        if not arrays.by_template:
            raise InvalidTesseract(
                f"There is a function {function!r}, but {arrays.schema.__name__} has nothing "
                "differentiable: mark an array as Differentiable[...]."
            )
    return schemas.differentiable_inputs, schemas.differentiable_outputs


def shapes_of(arrays: DifferentiableArrays, value: BaseModel) -> dict[str, tuple[int, ...]]:
    """Return the shape of every differentiable leaf of a value, by path."""
    return {path: tuple(leaf.shape) for path, leaf in arrays.leaves(value)}


def tangent_field(inputs: DifferentiableArrays) -> Any:
    """Return the field of a tangent: one array for each of `jvp_inputs`, shaped as that input."""

    def check(tangents: Mapping[str, AnyArray], info: ValidationInfo) -> dict[str, Any]:
        _check_keys(tangents, info.data.get("jvp_inputs"), "tangent vector", "jvp_inputs")
        value = info.data.get("inputs")
        if value is None:
            return dict(tangents)  # the inputs were refused themselves
        shapes = shapes_of(inputs, value)
        return {
            path: _fitted("Tangent", inputs, path, tangent, shapes[path])
            for path, tangent in tangents.items()
            if path in shapes
        }

    doc = "Tangent vector, {jvp_inputs: array}. Each array has the shape of its input."
    return Annotated[Vector, AfterValidator(check)], Field(description=doc)


def cotangent_field(outputs: DifferentiableArrays) -> Any:
    """Return the field of a cotangent: one array for each of `vjp_outputs`.

    Here the arrays are held against what the schema says of their outputs.
    """

    def check(cotangents: Mapping[str, AnyArray], info: ValidationInfo) -> dict[str, Any]:
        asked = info.data.get("vjp_outputs")
        _check_keys(cotangents, asked, "cotangent vector", "vjp_outputs")
        if asked is None:
            return dict(cotangents)  # the paths were refused themselves
        return {
            path: _fitted("Cotangent", outputs, path, cotangent)
            for path, cotangent in cotangents.items()
        }

    doc = "Cotangent vector, {vjp_outputs: array}. Each array has the shape of its output."
    return Annotated[Vector, AfterValidator(check)], Field(description=doc)


def cotangents_of_shapes(
    cotangents: Mapping[str, AnyArray], shapes: OutputShapes, inputs: BaseModel
) -> dict[str, Any]:
    """Return cotangents of exactly the shapes that the outputs have at these inputs.

    A size of 1 is broadcast. Raises `InvalidPayload` for any other difference.
    """
    fitted: dict[str, Any] = {}
    faults = []
    for path, cotangent in cotangents.items():
        expected = shapes.at(inputs, path, np.shape(cotangent))
        try:
            fitted[path] = Expected(shape=expected, dtype=None).coerce(np.asarray(cotangent))
        except PydanticCustomError as error:
            place = ["cotangent_vector", path]
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


def _fitted(
    noun: str,
    arrays: DifferentiableArrays,
    path: str,
    vector: AnyArray,
    shape: tuple[int, ...] | None = None,
) -> AnyArray | np.generic:
    """Return a vector in the shape and data type of its array, or raise with its path."""
    array_type = arrays.array_type(path)
    expected = Expected(
        shape=array_type.expected_shape if shape is None else shape,
        dtype=DTYPES[array_type.expected_dtype],
    )
    try:
        return expected.coerce(np.asarray(vector))
    except PydanticCustomError as error:
        raise PydanticCustomError(
            error.type,
            "{noun} of {path}: {problem}",
            {"noun": noun, "path": repr(path), "problem": error.message()},
        ) from None
