"""The wire of a document: its format, and the encoding and compression of its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.contracts import Wire
from runtime_core.errors import InvalidOption, listed

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.contracts import ArrayEncoding, Format


def configured_wire(catalog: Catalog, config: RuntimeConfig, format_: str | None = None) -> Wire:
    """Return the wire of results, in the configured format if no other is named.

    Raises what `writable` raises, and `InvalidOption` for a wrong option of the compression.
    """
    from runtime_core.calls.codecs import Codecs  # arrays of plain user code need no catalog

    wire = Wire(
        format=format_ or config.output_format,
        array_encoding=config.array_encoding,
        compression=config.compression,
    )
    writable(wire, catalog)
    if wire.compression is not None:
        Codecs(catalog, config).compressor(wire.compression)
    return wire


def writable(wire: Wire, catalog: Catalog) -> tuple[Format, ArrayEncoding]:
    """Return the format and the array encoding of a wire, checked before a result is computed.

    Raises `UnknownName` or `InvalidOption`.
    """
    format_ = catalog.formats.find(wire.format)
    if wire.compression is not None:
        catalog.compressors.find(wire.compression.partition(":")[0])
    own = catalog.encodings.find(format_.array_encoding)
    encoding = catalog.encodings.find(wire.array_encoding) if wire.array_encoding else own
    if encoding.binary and not own.binary:
        raise InvalidOption(
            f"Array encoding {encoding.name!r} is binary and cannot be written as {format_.name}."
        )
    if encoding is not own and not format_.any_encoding:
        others = listed([each.name for each in catalog.formats if each.any_encoding])
        raise InvalidOption(
            f"Format {format_.name!r} writes arrays as {own.name}, not as {encoding.name}. Leave "
            f"the array encoding out, or choose one of the formats that take any: {others}."
        )
    return format_, encoding


def require_folder(format_: Format, encoding: ArrayEncoding, folder: str | None) -> None:
    """Raise `InvalidOption` for arrays in files without a folder for them."""
    if folder is None:
        is_default = encoding.name == format_.array_encoding
        what = f"Format {format_.name!r}" if is_default else f"Array encoding {encoding.name!r}"
        raise InvalidOption(
            f"{what} writes files: name a folder for them with -o or --output-path."
        )


def format_of_media_type(catalog: Catalog, content_type: str) -> Format | None:
    """Return the format of a `Content-Type`, if any.

    >>> from runtime_core import load_catalog
    >>> format_of_media_type(load_catalog(), "application/json; charset=utf-8").name
    'json'
    """
    media_type = content_type.partition(";")[0].strip().lower()
    return next((f for f in catalog.formats if media_type in f.media_types), None)


def media_type_of(wire: Wire, catalog: Catalog) -> str:
    """Return the media type of a document, with the array encoding if its format has another.

    >>> from runtime_core import load_catalog
    >>> media_type_of(Wire(format="json", array_encoding="base64"), load_catalog())
    'application/json; encoding=base64'
    """
    format_ = catalog.formats.find(wire.format)
    media_type = format_.media_types[0]
    if wire.array_encoding in (None, format_.array_encoding):
        return media_type
    return f"{media_type}; encoding={wire.array_encoding}"


def format_of_suffix(catalog: Catalog, suffix: str) -> Format | None:
    """Return the format of files with a suffix, if any."""
    return next((f for f in catalog.formats if suffix in f.suffixes), None)
