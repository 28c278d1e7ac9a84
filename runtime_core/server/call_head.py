"""The head of a call of an endpoint, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runtime_core.calls.metadata import problem_of
from runtime_core.contracts import RequestHead, Wire
from runtime_core.errors import InvalidOption
from runtime_core.run_logs.run import checked_run_id
from runtime_core.server.headers import invalid_request, named_run_id
from runtime_core.server.negotiation import UnsupportedMediaType
from runtime_core.server.request_body import announced_size
from runtime_core.server.responses import FORWARD_HEADER, PARENT_RUN_ID_HEADER

if TYPE_CHECKING:
    from runtime_core.server.server import Server


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """What a head asks for: the forms of both documents, the announced size, and more."""

    body_format: str
    body_parameters: str
    output: Wire
    size: int | None
    parent_run_id: str | None
    forward: str | None
    timeout: float | None
    patience: float | None


class CallHead:
    """The head of a call, which is read once for all calls that have the same."""

    def __init__(self, server: Server, endpoint: str, request: RequestHead) -> None:
        self.endpoint = endpoint
        self.request = request
        self._server = server

    @cached_property
    def named_run_id(self) -> str | None:
        """The run id in the query; the error of one that is not valid."""
        named = named_run_id(self.request.query)
        return None if named is None else _checked(named, "query", "run_id")

    @cached_property
    def metadata(self) -> Mapping[str, str]:
        """The metadata of the call, or the error of an invalid field."""
        fields = self.request.fields
        found = {name: fields[name] for name in self._server.metadata if name in fields}
        for name, value in found.items():
            if (problem := problem_of(value)) is not None:
                raise invalid_request("header", name, f"{name} {problem}")
        return found

    @cached_property
    def options(self) -> CallOptions:
        """The options of the call, or the error of an invalid one."""
        fields, negotiation = self.request.fields, self._server.negotiation
        _refuse_content_encoding(fields)
        body_format, parameters = negotiation.input(fields.get("content-type", ""))
        return CallOptions(
            body_format=body_format,
            body_parameters=parameters,
            output=negotiation.output(fields.get("accept", "")),
            size=announced_size(fields, self._server.options.max_body_size),
            parent_run_id=_parent_run_id(fields),
            forward=fields.get(_FORWARD),
            timeout=_seconds(fields, "Request-Timeout"),
            patience=_seconds(fields, "Request-Patience"),
        )

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Check whether the client has an answer already, by its tag (RFC 9110, 13.1.2)."""
        tag = headers.get("ETag")
        return tag is not None and tag in self.request.fields.get("if-none-match", "")


def _refuse_content_encoding(fields: Mapping[str, str]) -> None:
    coding = fields.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            f"Content-Encoding {coding[:100]!r} is not supported: send the body as it is, its "
            "arrays may be compressed."
        )


_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?([eE][+-]?[0-9]{1,2})?")


def _seconds(fields: Mapping[str, str], name: str) -> float | None:
    """Return a limit of the client in seconds, if it sends one."""
    text = fields.get(name.lower())
    if text is None:
        return None
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    if seconds <= 0:
        problem = f"{name} {text[:60]!r} must be a positive number of seconds."
        raise invalid_request("header", name.lower(), problem)
    return seconds


_FORWARD, _PARENT = FORWARD_HEADER.lower(), PARENT_RUN_ID_HEADER.lower()


def _parent_run_id(fields: Mapping[str, str]) -> str | None:
    """Return the id of the parent run, if the client sends one."""
    given = fields.get(_PARENT)
    return None if given is None else _checked(given, "header", _PARENT)


def _checked(run_id: str, place: str, name: str) -> str:
    try:
        return checked_run_id(run_id)
    except InvalidOption as error:
        raise invalid_request(place, name, str(error)) from None
