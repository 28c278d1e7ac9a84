"""The OpenAPI 3.1 document of a Tesseract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from pydantic_core import from_json, to_json

from runtime_core.arrays.json_schema import ArrayJsonSchema
from runtime_core.calls import scope
from runtime_core.catalog import Catalog
from runtime_core.contracts import BoundEndpoint, Endpoint, Unavailable
from runtime_core.description.example_payloads import ExamplePayloads
from runtime_core.run_logs.run import RUN_ID_PATTERN
from runtime_core.runtime import Runtime

ModelMode = tuple[type[BaseModel], JsonSchemaMode]

_JSON = "application/json"
_REF = "#/components/schemas/{model}"


def _ref(component: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=component)}


def _object(title: str, required: str = "", **properties: Any) -> dict[str, Any]:
    schema = {"title": title, "type": "object", "properties": properties}
    return schema | {"required": required.split()} if required else schema


_FAULT_COMPONENTS: Mapping[str, Any] = {
    "ValidationError": _object(
        "ValidationError",
        required="loc msg type",
        loc={
            "title": "Location",
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
        msg={"title": "Message", "type": "string"},
        type={"title": "Error Type", "type": "string"},
        input={"title": "Summary of the refused value"},
        ctx={"title": "Context", "type": "object"},
    ),
    "HTTPValidationError": _object(
        "HTTPValidationError",
        detail={"title": "Detail", "type": "array", "items": _ref("ValidationError")},
    ),
    "TesseractFailure": _object(
        "TesseractFailure",
        required="detail",
        detail={"title": "Detail", "type": "string"},
        run_id={"title": "Run Id", "type": "string"},
    ),
}

_RUN_ID: Mapping[str, Any] = {
    "name": "run_id",
    "in": "query",
    "required": False,
    "description": "Names the run; by default a new UUID.",
    "schema": {"type": "string", "pattern": RUN_ID_PATTERN},
}


def openapi_document(runtime: Runtime) -> dict[str, Any]:
    """Return the OpenAPI document of everything that a Tesseract serves."""
    bound = {name: runtime.endpoint(name) for name in runtime.catalog.endpoints.names}
    served = {n: e for n, e in bound.items() if not isinstance(e, Unavailable)}
    with scope.enter(runtime.scope()):
        refs, components = _components(served)
    examples = ExamplePayloads(runtime, components)
    config = runtime.config
    info = {"title": config.name, "version": config.version}
    if config.description:
        info["description"] = config.description
    document = {
        "openapi": "3.1.0",
        "info": info,
        "paths": {
            f"/{name}": _path(runtime.catalog, name, endpoint, refs, examples)
            for name, endpoint in served.items()
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "components": {"schemas": dict(sorted({**components, **_FAULT_COMPONENTS}.items()))},
        "x-supported-output-formats": list(runtime.catalog.formats.names),
        "x-supported-compressions": ["none", *runtime.catalog.compressors.names],
        "x-supported-gpu-transports": ["none"],
    }
    # Defaults may be NaN or any other value; the document must be JSON.
    plain: dict[str, Any] = from_json(to_json(document, inf_nan_mode="strings"))
    return plain


def _components(
    served: Mapping[str, BoundEndpoint],
) -> tuple[Mapping[Any, Any], dict[str, Any]]:
    """Return a reference to each model in its mode, and the components that they name."""
    keys, schema = models_json_schema(
        [*chain.from_iterable(map(model_modes, served.values()))],
        ref_template=_REF,
        schema_generator=ArrayJsonSchema,
    )
    components = schema.get("$defs", {})
    for endpoint in served.values():
        for name, extras in endpoint.schema_extras.items():
            components[name].update(extras)
    return keys, components


def model_modes(endpoint: BoundEndpoint) -> Iterator[ModelMode]:
    """Yield the models of an endpoint, each with the mode of its JSON Schema."""
    if endpoint.payload is not None:
        yield endpoint.payload, "validation"
    yield endpoint.result, "serialization"


_TAGS: Mapping[str, str] = {
    "compute": "Call the Tesseract.",
    "gradients": "Differentiate its outputs with respect to its inputs.",
    "description": "Ask for its state and its schemas.",
}
"""The groups of endpoints, in their order on the page."""


def _tag(declaration: Endpoint, endpoint: BoundEndpoint) -> str:
    if endpoint.payload is None:
        return "description"
    return "gradients" if declaration.gradient else "compute"


def _path(
    catalog: Catalog,
    name: str,
    endpoint: BoundEndpoint,
    refs: Mapping[ModelMode, Any],
    examples: ExamplePayloads,
) -> dict[str, Any]:
    method = "get" if endpoint.payload is None else "post"
    declaration = catalog.endpoints.find(name)
    summary = declaration.summary
    operation: dict[str, Any] = {
        "tags": [_tag(declaration, endpoint)],
        "summary": name.replace("_", " ").title(),
        "description": "\n\n".join(text for text in (summary, endpoint.doc) if text),
        "operationId": f"{name}_{name}_{method}",
        "responses": {
            "200": {
                "description": "Successful Response",
                "content": _content(catalog, refs[endpoint.result, "serialization"]),
            }
        },
    }
    if endpoint.payload is not None:
        ref = refs[endpoint.payload, "validation"]
        content = _content(catalog, ref)
        found = examples.of(name, ref["$ref"].rpartition("/")[2])
        if found and _JSON in content:
            content[_JSON]["examples"] = {name: {"value": one} for name, one in found.items()}
        operation["parameters"] = [dict(_RUN_ID)]
        operation["requestBody"] = {"required": True, "content": content}
        operation["responses"] |= _FAULTS
    return {method: operation}


def _content(catalog: Catalog, ref: Any) -> dict[str, Any]:
    return {
        media_type: {"schema": ref}
        for format_ in catalog.formats
        for media_type in format_.media_types
    }


def _fault(description: str, component: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ref(component)}},
    }


_FAULTS = {
    "413": _fault("The payload or its arrays are too large", "TesseractFailure"),
    "422": _fault("Validation Error", "HTTPValidationError"),
    "500": _fault("The Tesseract failed", "TesseractFailure"),
}
