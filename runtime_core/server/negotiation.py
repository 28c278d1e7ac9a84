"""Which formats a request speaks: `Content-Type` of what comes, `Accept` of what goes.

Media ranges and their order follow RFC 9110, section 12.5.1. A range may carry the parameters
`compression` and `gpu_transport` beside `q`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from runtime_core.catalog import Catalog, Registry
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Format, Wire
from runtime_core.documents.wire import format_of_media_type
from runtime_core.errors import FaultKind, TesseractRuntimeError, listed


class UnsupportedMediaType(TesseractRuntimeError):
    """The body of a request is in no format that is known here."""

    kind = FaultKind.UNSUPPORTED_MEDIA_TYPE


class NotAcceptable(TesseractRuntimeError):
    """Nothing that a request accepts can be produced."""

    kind = FaultKind.NOT_ACCEPTABLE


@dataclass(frozen=True, kw_only=True)
class MediaRange:
    """One range of an `Accept` header."""

    type: str
    quality: float = 1.0
    parameters: dict[str, str] = field(default_factory=dict)


_ANYTHING = ("application/*", "*/*")  # the more specific one first
_NONE = "none"
_REMEMBERED = 256  # headers; clients have few


class Negotiation:
    """Finds the formats of requests. What has been found for a header is remembered."""

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self._catalog = catalog
        self._config = config
        self.input_format = lru_cache(_REMEMBERED)(self._input_format)
        self.output = lru_cache(_REMEMBERED)(self._output)

    def _input_format(self, content_type: str) -> Format:
        """Return the format of a body; JSON when nothing is said.

        Raises `UnsupportedMediaType` that lists what is known.
        """
        formats = self._catalog.formats
        if not content_type:
            return formats.find("json")
        format_ = format_of_media_type(self._catalog, content_type)
        if format_ is not None:
            return format_
        media_type = content_type.partition(";")[0].strip().lower()
        hint = formats.hints.for_name(formats.kind, media_type.partition("/")[2])
        raise UnsupportedMediaType(
            f"Content-Type {media_type[:100]!r} is not supported. "
            f"Known: {listed(_media_types(formats))}.{f' {hint}' if hint else ''}"
        )

    def _output(self, accept: str) -> Wire:
        """Return the best producible wire of an `Accept` header.

        Raises `NotAcceptable` if there is none.
        """
        catalog, config = self._catalog, self._config
        producible = [
            (range_, compression)
            for range_ in media_ranges(accept or "*/*")
            if (compression := _compression(range_, catalog, config)) is not None
        ]
        offers = [
            (*best, format_)
            for format_ in sorted(catalog.formats, key=lambda f: f.name != config.output_format)
            if (best := _best_range(format_, producible)) is not None
        ]
        if not offers:
            raise NotAcceptable(f"Cannot produce any encoding accepted by {accept[:200]!r}")
        # Among equals the first of the header counts, then the configured format.
        _, _, compression, format_ = min(offers, key=lambda offer: (-offer[0], offer[1]))
        named = None if compression == _NONE else compression
        return Wire(format=format_.name, compression=named)


def media_ranges(header: str) -> Iterator[MediaRange]:
    """Yield the ranges of an `Accept` header; those that make no sense are passed over.

    >>> [r.type for r in media_ranges("text/html, application/*;q=0.8")]
    ['text/html', 'application/*']
    """
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if not name:
            continue
        values = {
            key.strip().lower(): value.strip().strip('"').lower()
            for key, _, value in (parameter.partition("=") for parameter in parameters)
        }
        quality = _quality(values.pop("q", "1"))
        if quality is not None:
            yield MediaRange(type=name.lower(), quality=quality, parameters=values)


def _quality(text: str) -> float | None:
    try:
        quality = float(text)
    except ValueError:
        return None
    return quality if 0.0 <= quality <= 1.0 else None


def _compression(range_: MediaRange, catalog: Catalog, config: RuntimeConfig) -> str | None:
    """Return the compression that a range asks for, or `None` if nothing can be made for it."""
    if range_.parameters.get("gpu_transport", _NONE) != _NONE:
        return None
    compression = range_.parameters.get("compression", config.compression) or _NONE
    return compression if compression == _NONE or compression in catalog.compressors else None


def _best_range(
    format_: Format, producible: Sequence[tuple[MediaRange, str]]
) -> tuple[float, int, str] | None:
    """Return quality, position and compression of the most specific range for a format."""
    for types in (format_.media_types, *((wildcard,) for wildcard in _ANYTHING)):
        found = [
            (range_.quality, position, compression)
            for position, (range_, compression) in enumerate(producible)
            if range_.type in types
        ]
        if found:
            best = max(found, key=lambda f: (f[0], -f[1]))
            return best if best[0] > 0 else None
    return None


def _media_types(formats: Registry[Format]) -> list[str]:
    return [media_type for format_ in formats for media_type in format_.media_types]
