"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import ArrayEncoding, lazy_call
from runtime_core.hookspecs import hookimpl

SCHEMA = {
    "title": "AcmeExampleArrayData",
    "type": "object",
    "properties": {
        "buffer": {"type": "string"},
        "encoding": {"const": "acme-example"},
    },
    "required": ["buffer", "encoding"],
}


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the array encoding."""
    yield ArrayEncoding(
        name="acme-example",
        summary="Hexadecimal digits.",
        data_schema=SCHEMA,
        load=lazy_call("acme_example.codec:Codec"),
    )
