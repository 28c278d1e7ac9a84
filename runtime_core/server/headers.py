"""The headers and the query of a request, and the error of an invalid one."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import QueryParams
from starlette.types import Scope

from runtime_core.contracts import RequestHead
from runtime_core.errors import InvalidPayload
from runtime_core.run_logs.run import is_run_id, new_run_id

CALLER = "tesseract_runtime.caller"
"""The key of the ASGI scope that holds the name of the caller, where keys are required."""


TRANSPORT = "tesseract_runtime.transport"
"""The key of the ASGI scope that holds the `asyncio.Transport` of the connection."""


def head_of(scope: Scope) -> RequestHead:
    """Return the head of an ASGI request."""
    return RequestHead(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=scope["query_string"],
        fields=header_fields(scope["headers"]),
        caller=scope.get(CALLER),
    )


def header_fields(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the header fields by lower-case name; repeated ones are joined (RFC 9110, 5.3).

    >>> header_fields([(b"accept", b"text/html"), (b"accept", b"*/*")])
    {'accept': 'text/html, */*'}
    """
    fields: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def named_run_id(query: bytes) -> str | None:
    """Return the run id that the query of a request names, valid or not.

    >>> named_run_id(b"run_id=fit-7")
    'fit-7'
    """
    return QueryParams(query).get("run_id") if query else None


def run_id_of_fault(query: bytes) -> str:
    """Return the run id that a query names, or a new one if it names no valid one."""
    named = named_run_id(query)
    return named if named is not None and is_run_id(named) else new_run_id()


def invalid_request(place: str, name: str, problem: str) -> InvalidPayload:
    """Return the error of an invalid header or query parameter."""
    return InvalidPayload([{"type": "value_error", "loc": [place, name], "msg": problem}])
