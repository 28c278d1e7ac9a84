"""The array encoding `acme`."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ArrayEncoding, lazy_call
from runtime_core.hookspecs import hookimpl

DATA_SCHEMA = {
    "title": "AcmeArrayData",
    "description": "Bytes of an array in C order, little-endian, as base85.",
    "type": "object",
    "properties": {"buffer": {"type": "string"}, "encoding": {"const": "acme", "type": "string"}},
    "required": ["buffer", "encoding"],
    "additionalProperties": False,
}


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide base85, a quarter longer than the bytes."""
    yield ArrayEncoding(
        name="acme",
        summary="The bytes of the array as base85.",
        data_schema=DATA_SCHEMA,
        load=lazy_call("tesseract_runtime_acme.codec:AcmeArrayCodec"),
    )
