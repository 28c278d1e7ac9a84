"""What is wrong with a Tesseract, as far as that can be known without calling its functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from runtime_core import scope
from runtime_core.arrays.json_schema import ArrayJsonSchema
from runtime_core.contracts import Unavailable
from runtime_core.errors import InvalidTesseract, TesseractRuntimeError
from runtime_core.runtime import Runtime
from runtime_core.schemas.walk import fields_of, holds_arrays, is_model, walk

ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "jacobian": ("inputs", "jac_inputs", "jac_outputs"),
        "jacobian_vector_product": ("inputs", "jvp_inputs", "jvp_outputs", "tangent_vector"),
        "vector_jacobian_product": ("inputs", "vjp_inputs", "vjp_outputs", "cotangent_vector"),
    }
)
"""The names by which the gradient functions of an author are called."""

ONE_ARGUMENT = ("apply", "abstract_eval")
"""The functions that are called with one positional argument."""


def refuse_faults(runtime: Runtime) -> None:
    """Raise `InvalidTesseract` with everything that is wrong, a line for each fault."""
    faults = list(dict.fromkeys(_faults(runtime)))
    if faults:
        raise InvalidTesseract("\n".join(faults))


def _faults(runtime: Runtime) -> Iterator[str]:
    for schema in (runtime.api.input_schema, runtime.api.output_schema):
        yield from _schema_faults(schema)
    yield from _signature_faults(runtime)
    for name in runtime.catalog.endpoints.names:
        yield from _binding_faults(runtime, name)


def _binding_faults(runtime: Runtime, name: str) -> Iterator[str]:
    try:
        endpoint = runtime.endpoint(name)
        if not isinstance(endpoint, Unavailable):
            for model in filter(None, (endpoint.payload, endpoint.result)):
                _check_json_schema(runtime, model)
    except TesseractRuntimeError as error:
        yield str(error)


def _check_json_schema(runtime: Runtime, model: type[BaseModel]) -> None:
    try:
        with scope.enter(runtime.scope()):
            model.model_json_schema(schema_generator=ArrayJsonSchema)
    except PydanticInvalidForJsonSchema as error:
        raise InvalidTesseract(
            f"{model.__name__} has a type that no JSON Schema can describe: {error.message}"
        ) from None


def _schema_faults(schema: type[BaseModel]) -> Iterator[str]:
    try:
        models = [node.type for node in walk(schema) if is_model(node.type)]
    except TesseractRuntimeError as error:
        yield str(error)
        return
    for model in dict.fromkeys(models):
        yield from _default_faults(model)


def _default_faults(model: type[BaseModel]) -> Iterator[str]:
    """Yield the defaults of arrays that their own field refuses."""
    for name, field in fields_of(model).items():
        if field.is_required() or field.default_factory is not None:
            continue
        if not holds_arrays(field.annotation):
            continue
        annotation: Any = field.annotation
        try:
            TypeAdapter(annotation).validate_python(field.default)
        except ValidationError as error:
            reasons = "; ".join(fault["msg"] for fault in error.errors(include_url=False))
            yield f"{model.__name__}.{name}: its own default is refused: {reasons}"


def _signature_faults(runtime: Runtime) -> Iterator[str]:
    for name in ONE_ARGUMENT:
        yield from _signature_fault(runtime, name, positional=("inputs",))
    for name, arguments in ARGUMENTS.items():
        yield from _signature_fault(runtime, name, named=arguments)


def _signature_fault(
    runtime: Runtime, name: str, *, positional: tuple[str, ...] = (), named: tuple[str, ...] = ()
) -> Iterator[str]:
    function = runtime.api.function(name)
    if isinstance(function, Unavailable):
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a callable that does not tell its parameters
    try:
        signature.bind(*positional, **dict.fromkeys(named))
    except TypeError as error:
        call = f"{name}({', '.join(positional + named)})"
        yield f"{name}{signature} cannot be called as {call}: {error}."
