"""Descriptions: what a Tesseract serves, for a server that never loads the Tesseract itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


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
