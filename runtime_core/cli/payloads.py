"""Payloads of the command line: JSON text, or the name of a file."""

from __future__ import annotations

import re
from os.path import isfile
from pathlib import PurePosixPath
from typing import Annotated

import typer

from runtime_core.catalog import Catalog
from runtime_core.documents.wire import format_of_suffix
from runtime_core.errors import UnknownName, UnreadableDocument, shortened
from runtime_core.files import FileAccess, is_url

Payload = Annotated[
    str,
    typer.Argument(
        metavar="JSON_PAYLOAD",
        help="The payload as JSON, @PATH of a file of any known format, or - for stdin.",
        show_default=False,
    ),
]


def read_payload(payload: str, catalog: Catalog) -> tuple[bytes, str]:
    """Return the bytes of a payload and the name of their format.

    The payload is JSON text, `@PATH`, or `-` or `@-` for JSON on stdin.
    """
    if payload in _STDIN:
        with open(0, "rb", closefd=False) as stdin:
            return stdin.read(), "json"
    if payload.startswith("@"):
        body = FileAccess(root=None, confined=False).read(payload[1:])
        return body, format_of(payload[1:], catalog)
    _refuse_file_name(payload, catalog)
    try:
        return payload.encode("utf-8"), "json"
    except UnicodeEncodeError:
        raise UnreadableDocument("The payload is not valid UTF-8.") from None


def is_payload(text: str) -> bool:
    """Check whether an argument is a payload, and not the plain name of a file."""
    return text in _STDIN or text.lstrip()[:1] in ("@", "{", "[", "")


def _refuse_file_name(text: str, catalog: Catalog) -> None:
    """Raise `UnreadableDocument` for the name of a file without `@`."""
    if is_payload(text):
        return
    names_file = isfile(text)  # noqa: PTH113  # a `Path` raises for long texts
    if names_file or format_of_suffix(catalog, PurePosixPath(text).suffix):
        raise UnreadableDocument(f"{shortened(text)!r} is not JSON. Did you mean @{text}?")


def format_of(name: str, catalog: Catalog) -> str:
    """Return the format of a file by its suffix, JSON if it is unknown.

    Raises `UnknownName` for the suffix of a format whose plugin is not installed.
    """
    path = re.split(r"\?|::", name)[0] if is_url(name) else name
    suffix = PurePosixPath(path).suffix.lower()
    format_ = format_of_suffix(catalog, suffix)
    if format_ is not None:
        return format_.name
    hint = catalog.formats.hints.for_name(catalog.formats.kind, suffix.removeprefix("."))
    if hint is not None:
        raise UnknownName(hint)
    return "json"


_STDIN = ("-", "@-")
