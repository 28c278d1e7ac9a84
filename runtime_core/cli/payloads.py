"""Payloads of the command line: JSON text, or the name of a file."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

import typer

from runtime_core.catalog import Catalog
from runtime_core.documents.wire import format_of_suffix
from runtime_core.errors import InvalidOption, UnknownName, UnreadableDocument, listed, shortened
from runtime_core.files import FileAccess, is_url

Payload = Annotated[
    str,
    typer.Argument(
        metavar="JSON_PAYLOAD",
        help="The payload as JSON, or @PATH of a file of any known format.",
        show_default=False,
    ),
]


def read_payload(payload: str, catalog: Catalog) -> tuple[bytes, str]:
    """Return the bytes of a payload, JSON text or `@PATH`, and the name of their format."""
    if not payload.startswith("@"):
        try:
            return payload.encode("utf-8"), "json"
        except UnicodeEncodeError:
            raise UnreadableDocument("The payload is not valid UTF-8.") from None
    body = FileAccess(root=None, confined=False).read(payload[1:])
    return body, format_of(payload[1:], catalog)


def format_of(name: str, catalog: Catalog) -> str:
    """Return the format of a file by its suffix; `InvalidOption` or `UnknownName` if unknown."""
    path = re.split(r"\?|::", name)[0] if is_url(name) else name
    suffix = PurePosixPath(path).suffix
    if not suffix:
        return "json"
    format_ = format_of_suffix(catalog, suffix)
    if format_ is not None:
        return format_.name
    hint = catalog.formats.hints.for_name(catalog.formats.kind, suffix.removeprefix("."))
    if hint is not None:
        raise UnknownName(hint)
    known = {s for format_ in catalog.formats for s in format_.suffixes}
    raise InvalidOption(
        f"No format reads {shortened(name)!r}: {suffix!r} is not the suffix of a format. "
        f"Known: {listed(known)}."
    )
