"""Describing a loaded Tesseract for a server that never loads it."""

from __future__ import annotations

from runtime_core.catalog import Catalog
from runtime_core.contracts import Description, EndpointDescription, Unavailable
from runtime_core.runtime import Runtime


def describe(runtime: Runtime) -> Description:
    """Load and describe a Tesseract; errors are those of loading."""
    from runtime_core.description.openapi import openapi_document
    from runtime_core.description.validation import (
        validate_tesseract,  # numpy, which a server must not load
    )

    validate_tesseract(runtime)
    names = runtime.catalog.endpoints.names
    bound = {name: runtime.endpoint(name) for name in names}
    return Description(
        endpoints=[
            _endpoint(runtime, name)
            for name, endpoint in bound.items()
            if not isinstance(endpoint, Unavailable)
        ],
        unavailable={
            name: endpoint.reason
            for name, endpoint in bound.items()
            if isinstance(endpoint, Unavailable)
        },
        openapi=openapi_document(runtime),
    )


def loaded_plugins(catalog: Catalog) -> list[str]:
    """Return name, origin and status of each plugin, to compare two processes."""
    return [f"{p.name} ({p.origin}) {p.status}" for p in catalog.plugins]


def _endpoint(runtime: Runtime, name: str) -> EndpointDescription:
    if runtime.bound(name).payload is None:
        answer = runtime.call(name).model_dump(mode="json")
        return EndpointDescription(name=name, has_payload=False, answer=answer)
    return EndpointDescription(
        name=name, has_payload=True, backend=runtime.gradients.used.get(name)
    )
