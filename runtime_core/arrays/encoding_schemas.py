"""The JSON Schemas of `data` for the array encodings of the core; they cost no import of numpy."""

from __future__ import annotations

from typing import Any

JSON_DATA_SCHEMA: dict[str, Any] = {
    "title": "JsonArrayData",
    "description": "Numbers of an array: nested lists, or one flat list in C order.",
    "type": "object",
    "properties": {
        "buffer": {
            "title": "Buffer",
            "description": "Complex numbers are strings such as '1+2j'; NaN and infinities are "
            "'NaN', 'Infinity' and '-Infinity'.",
            "anyOf": [
                {"type": "array"},
                {"type": "number"},
                {"type": "boolean"},
                {"type": "string"},
                {"type": "null"},
            ],
        },
        "encoding": {"title": "Encoding", "type": "string", "const": "json"},
    },
    "required": ["buffer", "encoding"],
    "additionalProperties": False,
}

BASE64_DATA_SCHEMA: dict[str, Any] = {
    "title": "Base64ArrayData",
    "description": "Bytes of an array in C order, little-endian, as standard base64.",
    "type": "object",
    "properties": {
        "buffer": {"title": "Buffer", "type": "string"},
        "encoding": {"title": "Encoding", "type": "string", "const": "base64"},
        "compression": {
            "title": "Compression",
            "description": "How the bytes were compressed before they were written as base64.",
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
        },
    },
    "required": ["buffer", "encoding"],
    "additionalProperties": False,
}

RAW_DATA_SCHEMA: dict[str, Any] = {
    "title": "RawArrayData",
    "description": "Bytes of an array in C order, little-endian; for binary formats only.",
    "type": "object",
    "properties": {
        "buffer": {"title": "Buffer", "type": "string", "format": "binary"},
        "encoding": {"title": "Encoding", "type": "string", "const": "raw"},
    },
    "required": ["buffer", "encoding"],
    "additionalProperties": False,
}
