"""The JSON Schemas of `data` for the array encodings of the core, without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def data_schema(
    name: str,
    title: str,
    description: str,
    *,
    buffer: Mapping[str, Any],
    compression: str | None = None,
) -> dict[str, Any]:
    """Return the schema of `data` of an encoding, from that of its buffer.

    `compression` is the description of that key, if buffers may be compressed.
    """
    properties: dict[str, Any] = {
        "buffer": {"title": "Buffer", **buffer},
        "encoding": {"title": "Encoding", "type": "string", "const": name},
    }
    if compression is not None:
        properties["compression"] = {
            "title": "Compression",
            "description": compression,
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
        }
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": ["buffer", "encoding"],
        "additionalProperties": False,
    }


JSON_DATA_SCHEMA = data_schema(
    "json",
    "JsonArrayData",
    "Numbers of an array: nested lists, or one flat list in C order.",
    buffer={
        "description": "Complex numbers are strings such as '1+2j'; NaN and infinities are "
        "'NaN', 'Infinity' and '-Infinity'.",
        "anyOf": [{"type": kind} for kind in ("array", "number", "boolean", "string", "null")],
    },
)

BASE64_DATA_SCHEMA = data_schema(
    "base64",
    "Base64ArrayData",
    "Bytes of an array in C order, little-endian, as standard base64.",
    buffer={"type": "string"},
    compression="How the bytes were compressed before they were written as base64.",
)

RAW_DATA_SCHEMA = data_schema(
    "raw",
    "RawArrayData",
    "Bytes of an array in C order, little-endian; for binary formats only.",
    buffer={"type": "string", "format": "binary"},
)
