"""The document format `arrow`."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide documents as streams of Apache Arrow."""
    yield Format(
        name="arrow",
        summary="Apache Arrow with arrays as columns.",
        media_types=("application/vnd.apache.arrow.stream",),
        suffixes=(".arrows",),
        array_encoding="raw",
        load=lazy_call("tesseract_runtime_arrow.codec:ArrowDocumentCodec"),
    )
