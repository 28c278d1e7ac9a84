"""Descriptions: plain data on a Tesseract for a server that never loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class EndpointDescription:
    """An endpoint that is served; without a payload it has a constant `answer`.

    `backend` is the gradient backend that computes it, if any.
    """

    name: str
    has_payload: bool
    backend: str | None = None
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """The served endpoints, the reasons why others are unavailable, and the OpenAPI document."""

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
