"""What a Tesseract serves, as plain data for a server that never loads the Tesseract itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from runtime_core.catalog import Catalog
from runtime_core.contracts import Unavailable
from runtime_core.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class EndpointDescription:
    """An endpoint that can be asked; one without a payload has its `answer` here already.

    `backend` is the gradient backend whose function computes it, if it is computed by any.
    """

    name: str
    has_payload: bool
    backend: str | None = None
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is served: the endpoints, why others are not, and the OpenAPI document."""

    endpoints: Sequence[EndpointDescription]
    unavailable: Mapping[str, str]
    openapi: Mapping[str, Any]

    def as_data(self) -> dict[str, Any]:
        """Return the description as a JSON-like tree."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a description that `as_data` has written."""
        endpoints = [EndpointDescription(**endpoint) for endpoint in data["endpoints"]]
        return cls(**{**data, "endpoints": endpoints})


def describe(runtime: Runtime) -> Description:
    """Load a Tesseract and say what it serves; errors are those of loading."""
    from runtime_core.inspection import refuse_faults  # numpy, which a server's front can spare
    from runtime_core.openapi import openapi_document

    refuse_faults(runtime)
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
    """Return name, origin and status of each installed plugin, to compare two processes."""
    return [f"{p.name} ({p.origin}) {p.status}" for p in catalog.plugins]


def _endpoint(runtime: Runtime, name: str) -> EndpointDescription:
    if runtime.bound(name).payload is None:
        answer = runtime.call(name).model_dump(mode="json")
        return EndpointDescription(name=name, has_payload=False, answer=answer)
    return EndpointDescription(
        name=name, has_payload=True, backend=runtime.gradients.used.get(name)
    )
