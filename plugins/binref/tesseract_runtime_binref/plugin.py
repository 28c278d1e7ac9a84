"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.arrays import data_schema
from runtime_core.contracts import ArrayEncoding, Format, lazy_call
from runtime_core.hookspecs import hookimpl

_DATA_SCHEMA = data_schema(
    "binref",
    "BinrefArrayData",
    "Bytes of an array in C order, little-endian, in a file.",
    buffer={
        "description": "PATH[:OFFSET[:COMPRESSED_SIZE]], both numbers in bytes.",
        "type": "string",
    },
    compression="How the bytes were compressed; their size is the third part then.",
)


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the array encoding."""
    yield ArrayEncoding(
        name="binref",
        summary="The bytes of the array in a file.",
        data_schema=_DATA_SCHEMA,
        load=lazy_call("tesseract_runtime_binref.codec:BinrefArrayCodec"),
        writes_files=True,
    )


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format, which is JSON except for its arrays."""
    yield Format(
        name="json+binref",
        summary="JSON with arrays in files beside it.",
        media_types=("application/json+binref",),
        suffixes=(".json",),
        array_encoding="binref",
        load=lazy_call("runtime_core.documents:JsonDocumentCodec"),
    )
