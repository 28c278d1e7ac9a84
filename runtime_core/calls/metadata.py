"""The metadata of calls: header fields that go with a call, as for traces and logs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runtime_core.errors import InvalidOption

FIELDS = ("traceparent", "tracestate", "x-request-id")
"""The names of the fields that every server passes on (W3C Trace Context, and a custom)."""

LONGEST = 1024
"""The most characters of a value; a `tracestate` of 512 must pass (W3C Trace Context, 3.3.1.5)."""

_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110, 5.6.2, in lower case

_RESERVED = re.compile(
    r"accept(-.*)?|authorization|connection|content-.*|cookie|expect|forwarded|host|if-.*|"
    r"keep-alive|proxy-.*|range|request-(patience|timeout)|te|tesseract-.*|trailer|"
    r"transfer-encoding|upgrade"
)


def is_field_name(name: str) -> bool:
    """Check whether a name, in lower case, is that of a header field without another meaning.

    >>> is_field_name("x-tenant"), is_field_name("authorization"), is_field_name("a b")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None and _RESERVED.fullmatch(name) is None


def problem_of(value: object) -> str | None:
    """Return the reason why a value cannot be metadata, or `None`."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return f"must be printable ASCII text, not {value!r:.60}."
    if len(value) > LONGEST:
        return f"has {len(value)} characters; at most {LONGEST} go with a call."
    return None


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata with names in lower case; `InvalidOption` for an invalid name or value.

    >>> checked_metadata({"X-Request-ID": "7"})
    {'x-request-id': '7'}
    """
    fields = {name.lower(): value for name, value in metadata.items()}
    for name, value in fields.items():
        if not is_field_name(name):
            raise InvalidOption(
                f"{name[:60]!r} cannot be metadata of a call: expected the name of a header field "
                "without a meaning in HTTP, such as 'x-request-id'."
            )
        if (problem := problem_of(value)) is not None:
            raise InvalidOption(f"The metadata {name!r} {problem}")
    return fields
