"""The fields of payloads for tangents and cotangents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from runtime_core.arrays.coercion import AnyArray, Expected
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.errors import InvalidPayload, listed
from runtime_core.gradients.batches import coerce_stacked
from runtime_core.gradients.output_shapes import OutputShapes
from runtime_core.gradients.required_memory import require_memory
from runtime_core.gradients.results import stacked
from runtime_core.gradients.signatures import GradientSignature
from runtime_core.paths import get, parse
from runtime_core.schemas import PayloadSchemas


def tangent_field(schemas: PayloadSchemas, paths: str, *, batch: str | None = None) -> Any:
    """Make a field of a payload for an array like each of some inputs, `{path: array}`.

    `paths` names the field before it, made by `paths_of_inputs`, and `batch` one with the number of
    arrays along a leading axis, if there is one. The value is the annotation and the default.
    """

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        value = info.data.get("inputs")
        if value is None:
            return None  # the inputs are invalid themselves
        leaf = get(value, parse(path))  # it is there: the paths are validated against the inputs
        declared = schemas.differentiable_inputs.declared(path)
        return Expected(shape=tuple(leaf.shape), dtype=declared.dtype if declared else None)

    doc = f"Tangent vector, {{{paths}: array}}. Each array has the shape of its input."
    return _vector_field("Tangent", paths, batch, expected, doc)


def cotangent_field(schemas: PayloadSchemas, paths: str, *, batch: str | None = None) -> Any:
    """Make a field of a payload for an array like each of some outputs, as `tangent_field`.

    Its arrays are validated as those outputs: sizes that are not declared may be any.
    """

    def expected(path: str, info: ValidationInfo) -> Expected | None:
        return schemas.differentiable_outputs.declared(path)

    doc = f"Cotangent vector, {{{paths}: array}}. Each array has the shape of its output."
    return _vector_field("Cotangent", paths, batch, expected, doc)


def _vector_field(
    noun: str,
    paths_field: str,
    batch_field: str | None,
    expected: Callable[[str, ValidationInfo], Expected | None],
    doc: str,
) -> Any:
    """Return the annotation and default of a vector's field, for `create_model`."""

    def keyed(vector: Any, info: ValidationInfo) -> Any:
        if not isinstance(vector, Mapping):
            return vector
        asked = frozenset(info.data.get(paths_field) or ())  # not if they are invalid themselves
        # Pydantic does not pass its key to the validator of a value.
        return {path: (path, value, path in asked) for path, value in vector.items()}

    def fit(
        item: tuple[str, Any, bool], handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        path, value, asked = item
        array = handler(value)
        is_known = batch_field is None or batch_field in info.data
        wanted = expected(path, info) if asked and is_known else None
        if wanted is None:
            return array  # paths, inputs or the batch are invalid themselves
        try:
            batch = None if batch_field is None else info.data[batch_field]
            return _fitted(np.asarray(array), wanted, batch, value)
        except PydanticCustomError as error:
            raise _vector_fault(noun, path, value, error) from None

    def check(vector: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        asked = info.data.get(paths_field)
        if asked is None or vector.keys() == set(asked):
            return vector
        raise _other_keys(noun, paths_field, asked, vector)

    array: Any = Annotated[GradientArray, WrapValidator(fit)]
    annotation = Annotated[dict[str, array], BeforeValidator(keyed), AfterValidator(check)]
    return annotation, Field(description=doc)


def _fitted(array: AnyArray, expected: Expected, batch: int | None, source: Any) -> Any:
    if batch is None:
        return expected.coerce(array, source)
    return coerce_stacked(array, expected, batch, source)


def _vector_fault(noun: str, path: str, value: Any, error: PydanticCustomError) -> ValidationError:
    """Make the fault of one array of a vector; the input of a plain error would be its pair."""
    facts = {"noun": noun, "path": repr(path), "problem": error.message()}
    fault = PydanticCustomError(error.type, "{noun} of {path}: {problem}", facts)
    lines: list[InitErrorDetails] = [{"type": fault, "input": value}]
    return ValidationError.from_exception_data(noun, lines)


def _other_keys(
    noun: str, paths_field: str, asked: Collection[str], vector: Mapping[str, Any]
) -> PydanticCustomError:
    return PydanticCustomError(
        "value_error",
        "Expected {noun} with keys conforming to {field}: {asked}, got {got}",
        {
            "noun": f"{noun.lower()} vector",
            "field": paths_field,
            "asked": listed(asked),
            "got": listed([key[:60] for key in vector][:8]),
        },
    )


def cotangents_of_shapes(
    signature: GradientSignature,
    cotangents: Mapping[str, AnyArray],
    shapes: OutputShapes,
    payload: Any,
) -> dict[str, Any]:
    """Broadcast cotangents to the shapes of the outputs; raises `InvalidPayload` if they differ."""
    fitted: dict[str, Any] = {}
    faults = []
    expected = shapes.at(payload.inputs, cotangents.keys())
    for path, cotangent in cotangents.items():
        one = Expected(shape=expected[path], dtype=cotangent.dtype)
        size = stacked(one, payload.batch).least_size()
        require_memory(size, f"The cotangent of {path!r}")
        try:
            fitted[path] = _fitted(np.asarray(cotangent), one, payload.batch, None)
        except PydanticCustomError as error:
            place = [signature.cotangent, path]
            message = f"Cotangent of {path!r}: {error.message()}"
            faults.append({"type": error.type, "loc": place, "msg": message})
    if faults:
        raise InvalidPayload(faults)
    return fitted
