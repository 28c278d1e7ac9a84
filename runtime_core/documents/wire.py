"""The wire of a document: its format, and the encoding and compression of its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.contracts import Wire
from runtime_core.errors import InvalidOption

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.contracts import ArrayEncoding, Format


def configured_wire(catalog: Catalog, config: RuntimeConfig, format_: str | None = None) -> Wire:
    """Return the wire of results, in the configured format if no other is named.

    Raises `UnknownName` for a name that the catalog does not have.
    """
    wire = Wire(format=format_ or config.output_format, compression=config.compression)
    _format_and_compression(wire, catalog)
    return wire


def writable(wire: Wire, catalog: Catalog) -> tuple[Format, ArrayEncoding]:
    """Return the format and the array encoding of a wire, checked before a result is computed.

    Raises `UnknownName` or `InvalidOption`.
    """
    format_ = _format_and_compression(wire, catalog)
    own = catalog.encodings.find(format_.array_encoding)
    encoding = catalog.encodings.find(wire.array_encoding) if wire.array_encoding else own
    if encoding.binary and not own.binary:
        raise InvalidOption(
            f"Array encoding {encoding.name!r} is binary and cannot be written as {format_.name}."
        )
    return format_, encoding


def require_folder(format_: Format, folder: str | None) -> None:
    """Raise `InvalidOption` for a format with arrays in files, without a folder for them."""
    if folder is None:
        raise InvalidOption(
            f"Format {format_.name!r} writes files: name a folder for them with -o or "
            "--output-path."
        )


def _format_and_compression(wire: Wire, catalog: Catalog) -> Format:
    format_ = catalog.formats.find(wire.format)
    if wire.compression is not None:
        catalog.compressors.find(wire.compression)
    return format_


def format_of_media_type(catalog: Catalog, content_type: str) -> Format | None:
    """Return the format of a `Content-Type`, if any.

    >>> from runtime_core import load_catalog
    >>> format_of_media_type(load_catalog(), "application/json; charset=utf-8").name
    'json'
    """
    media_type = content_type.partition(";")[0].strip().lower()
    return next((f for f in catalog.formats if media_type in f.media_types), None)


def format_of_suffix(catalog: Catalog, suffix: str) -> Format | None:
    """Return the format of files with a suffix, if any."""
    return next((f for f in catalog.formats if suffix in f.suffixes), None)
