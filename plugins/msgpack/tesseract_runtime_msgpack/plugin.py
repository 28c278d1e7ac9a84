"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format."""
    yield Format(
        name="msgpack",
        summary="MessagePack with arrays as raw bytes.",
        media_types=("application/msgpack", "application/x-msgpack"),
        suffixes=(".msgpack",),
        array_encoding="raw",
        load=lazy_call("tesseract_runtime_msgpack.codec:MsgpackDocumentCodec"),
    )
