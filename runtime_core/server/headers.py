"""The headers of a request."""

from __future__ import annotations

from starlette.types import Scope


def header_fields(scope: Scope) -> dict[str, str]:
    """Return the header fields by lower-case name; repeated ones are joined (RFC 9110, 5.3).

    >>> header_fields({"headers": [(b"accept", b"text/html"), (b"accept", b"*/*")]})
    {'accept': 'text/html, */*'}
    """
    fields: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
