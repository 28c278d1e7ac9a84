"""Validating a Tesseract without calling its functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from runtime_core.arrays.json_schema import ArrayJsonSchema
from runtime_core.calls import scope
from runtime_core.contracts import Unavailable
from runtime_core.description.openapi import model_modes
from runtime_core.distributions import CORE
from runtime_core.errors import (
    InvalidOption,
    InvalidTesseract,
    PluginFault,
    TesseractRuntimeError,
    UnknownName,
)
from runtime_core.gradients import SIGNATURES
from runtime_core.message_texts import exception_text
from runtime_core.plugins.guard import Guard
from runtime_core.runtime import Runtime
from runtime_core.tesseract.api import array_hint

_ONE_ARGUMENT = ("apply", "abstract_eval")  # positional


def validate_tesseract(runtime: Runtime) -> None:
    """Raise `InvalidTesseract` with all faults, one a line."""
    _refuse(_faults(runtime))


def validate_functions(runtime: Runtime) -> None:
    """Raise `InvalidTesseract` as `validate_tesseract` does, without building other endpoints."""
    _refuse(
        chain(
            _signature_faults(runtime),
            _guarded("Endpoint apply", partial(_binding_faults, runtime, "apply")),
            *(
                _guarded(f"Endpoint {name}", partial(_serving_faults, runtime, name))
                for name in runtime.gradients.required
            ),
        )
    )


def _refuse(faults: Iterable[str]) -> None:
    """Raise `InvalidTesseract` if there are faults, each of which is told once."""
    if told := list(dict.fromkeys(faults)):
        raise InvalidTesseract("\n".join(told))


def _serving_faults(runtime: Runtime, name: str) -> Iterator[str]:
    runtime.gradients.serving(name)
    return iter(())  # its fault is raised


def _faults(runtime: Runtime) -> Iterator[str]:
    for schema in (runtime.api.input_schema, runtime.api.output_schema):
        yield from _guarded(schema.__name__, partial(_schema_faults, runtime, schema))
    yield from _signature_faults(runtime)
    for name in runtime.catalog.endpoints.names:
        yield from _guarded(f"Endpoint {name}", partial(_binding_faults, runtime, name))


def _guarded(noun: str, faults: Callable[[], Iterator[str]]) -> Iterator[str]:
    """Yield faults, among them exceptions of the author's own methods."""
    try:
        yield from faults()
    except (InvalidOption, PluginFault, UnknownName):
        raise  # the file is not at fault
    except TesseractRuntimeError as error:
        yield str(error)
    except Exception as error:
        yield f"{noun} cannot be used: {exception_text(error)}"


def _binding_faults(runtime: Runtime, name: str) -> Iterator[str]:
    endpoint = runtime.endpoint(name)
    if isinstance(endpoint, Unavailable):
        return
    entry = runtime.catalog.endpoints.entries[name]
    for model, mode in model_modes(endpoint):
        try:
            with scope.enter(runtime.scope()):
                model.model_json_schema(schema_generator=ArrayJsonSchema, mode=mode)
        except Exception as error:
            if entry.distribution != CORE:  # the Tesseract is not at fault
                problem = f"its {model.__name__} has no JSON Schema: {exception_text(error)}"
                runtime.withdraw(name, Guard(entry=entry, hook="endpoints").failed("bind", problem))
                return
            if not isinstance(error, PydanticInvalidForJsonSchema):
                raise
            problem = f"{error.message}{array_hint(error.message)}"
            yield f"{model.__name__} has a type that no JSON Schema can describe: {problem}"


def _schema_faults(runtime: Runtime, schema: type[BaseModel]) -> Iterator[str]:
    with scope.enter(runtime.scope()):
        runtime.schemas.generated("Apply", schema)
    return iter(())  # its fault is raised


def _signature_faults(runtime: Runtime) -> Iterator[str]:
    named = {name: signature.arguments for name, signature in SIGNATURES.items()}
    for name in (*_ONE_ARGUMENT, *named):
        function = runtime.api.function(name)
        if isinstance(function, Unavailable):
            continue
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            continue  # a callable without a signature
        arguments = named.get(name, ())
        positional = () if arguments else ("inputs",)
        try:
            signature.bind(*positional, **dict.fromkeys(arguments))
        except TypeError as error:
            call = f"{name}({', '.join((*positional, *arguments))})"
            yield f"{name}{signature} cannot be called as {call}: {error}."
