"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ArrayEncoding, Format, lazy_call
from runtime_core.hookspecs import hookimpl

_DATA_SCHEMA = {
    "title": "BinrefArrayData",
    "description": "Bytes of an array in C order, little-endian, in a file.",
    "type": "object",
    "properties": {
        "buffer": {
            "title": "Buffer",
            "description": "PATH[:OFFSET[:COMPRESSED_SIZE]], both numbers in bytes.",
            "type": "string",
        },
        "encoding": {"title": "Encoding", "type": "string", "const": "binref"},
        "compression": {
            "title": "Compression",
            "description": "How the bytes were compressed; their size is the third part then.",
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
        },
    },
    "required": ["buffer", "encoding"],
    "additionalProperties": False,
}


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
        load=lazy_call("runtime_core.builtin.json_format:JsonDocumentCodec"),
    )
