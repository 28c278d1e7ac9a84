"""Descriptions of a Tesseract as plain data, for a server that does not load it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class EndpointDescription:
    """A served endpoint; one without a payload has a constant `answer`.

    `backend` is its gradient backend, if any, and `body` the function of the file that this
    differentiates in the place of `apply`.
    """

    name: str
    has_payload: bool
    backend: str | None = None
    body: str | None = None
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class TesseractFacts:
    """The identity of a loaded Tesseract: the digest of its file and of the modules beside it.

    `versions` are those of Python and of distributions. `secrets` are the names of secret fields in
    the payload of each endpoint, or `None` for a payload that is secret as a whole.
    """

    digest: str
    versions: Mapping[str, str]
    secrets: Mapping[str, Sequence[str] | None]


@dataclass(frozen=True, kw_only=True)
class Description:
    """The served endpoints, the reasons why others are unavailable, and the OpenAPI document.

    `plugin_faults` are the failures of plugins while the Tesseract was loaded.
    """

    endpoints: Sequence[EndpointDescription]
    unavailable: Mapping[str, str]
    openapi: Mapping[str, Any]
    facts: TesseractFacts
    plugin_faults: Sequence[str] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read the tree that `dataclasses.asdict` makes of a description."""
        endpoints = [EndpointDescription(**endpoint) for endpoint in data["endpoints"]]
        facts = TesseractFacts(**data["facts"])
        return cls(**{**data, "endpoints": endpoints, "facts": facts})
