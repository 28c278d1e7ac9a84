"""Describing a loaded Tesseract for a server that never loads it."""

from __future__ import annotations

from runtime_core.catalog import Catalog
from runtime_core.contracts import BoundEndpoint, Description, EndpointDescription, Unavailable
from runtime_core.runtime import Runtime


def describe(runtime: Runtime) -> Description:
    """Load and describe a Tesseract; errors are those of loading."""
    # They load numpy, which a server must not.
    from runtime_core.description.openapi import openapi_document
    from runtime_core.description.validation import validate_tesseract

    validate_tesseract(runtime)
    endpoints: list[EndpointDescription] = []
    unavailable: dict[str, str] = {}
    for name in runtime.catalog.endpoints.names:
        endpoint = runtime.endpoint(name)
        if isinstance(endpoint, Unavailable):
            unavailable[name] = endpoint.reason
        else:
            endpoints.append(_described(runtime, name, endpoint))
    openapi = openapi_document(runtime)
    return Description(endpoints=endpoints, unavailable=unavailable, openapi=openapi)


def loaded_plugins(catalog: Catalog) -> list[str]:
    """Return the name, origin and status of each plugin, to compare two processes."""
    return [f"{p.name} ({p.origin}) {p.status}" for p in catalog.plugins]


def _described(runtime: Runtime, name: str, endpoint: BoundEndpoint) -> EndpointDescription:
    if endpoint.payload is None:
        answer = runtime.call(name).model_dump(mode="json")
        return EndpointDescription(name=name, has_payload=False, answer=answer)
    backend = runtime.gradients.used.get(name)
    return EndpointDescription(name=name, has_payload=True, backend=backend)
