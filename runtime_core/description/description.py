"""Describing a loaded Tesseract for a server that never loads it."""

from __future__ import annotations

from runtime_core.catalog import Catalog
from runtime_core.contracts import Description, EndpointDescription, Unavailable
from runtime_core.description.facts import facts_of
from runtime_core.errors import PluginFailed
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
        described = _described(runtime, name)
        if isinstance(described, Unavailable):
            unavailable[name] = described.reason
        else:
            endpoints.append(described)
    return Description(
        endpoints=endpoints,
        unavailable=unavailable,
        openapi=openapi_document(runtime),
        facts=facts_of(runtime, [endpoint.name for endpoint in endpoints if endpoint.has_payload]),
        plugin_faults=runtime.catalog.faults.texts,
    )


def loaded_plugins(catalog: Catalog) -> list[str]:
    """Return the name, origin and status of each plugin, to compare two processes."""
    return [f"{p.name} ({p.origin}) {p.status}" for p in catalog.plugins]


def _described(runtime: Runtime, name: str) -> EndpointDescription | Unavailable:
    endpoint = runtime.endpoint(name)
    if isinstance(endpoint, Unavailable):
        return endpoint
    if endpoint.payload is None:
        try:
            answer = runtime.call(name).model_dump(mode="json")
        except PluginFailed as fault:
            return runtime.withdraw(name, fault)
        return EndpointDescription(name=name, has_payload=False, answer=answer)
    used = runtime.gradients.used.get(name)
    if used is None:
        return EndpointDescription(name=name, has_payload=True)
    return EndpointDescription(name=name, has_payload=True, backend=used.backend, body=used.body)
