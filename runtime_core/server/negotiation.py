"""The formats of a request, from `Content-Type`, and of its answer, from `Accept`.

Media ranges and their order follow RFC 9110, section 12.5.1. The parameters of a range are `q`,
`compression` and `gpu_transport`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Format, Wire
from runtime_core.documents.wire import format_of_media_type
from runtime_core.errors import FaultKind, TesseractRuntimeError, listed


class UnsupportedMediaType(TesseractRuntimeError):
    """The body of a request has an unknown format."""

    kind = FaultKind.UNSUPPORTED_MEDIA_TYPE


class NotAcceptable(TesseractRuntimeError):
    """No answer that a request accepts can be produced."""

    kind = FaultKind.NOT_ACCEPTABLE


@dataclass(frozen=True, kw_only=True)
class MediaRange:
    """One range of an `Accept` header."""

    type: str
    quality: float
    parameters: Mapping[str, str]


_ANYTHING = ("application/*", "*/*")  # the more specific one first
_NONE = "none"
_MOST_RANGES = 64  # of an `Accept` header; browsers send eight
_REMEMBERED = 256  # headers; clients have few


class Negotiation:
    """Finds the formats of requests, with a cache by header."""

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self._catalog = catalog
        self._config = config
        self.input_format = lru_cache(_REMEMBERED)(self._input_format)
        self.output = lru_cache(_REMEMBERED)(self._output)

    def _input_format(self, content_type: str) -> Format:
        """Return the format of a body, by default JSON; `UnsupportedMediaType` lists all."""
        formats = self._catalog.formats
        format_ = format_of_media_type(self._catalog, content_type or "application/json")
        if format_ is not None:
            return format_
        media_type = content_type.partition(";")[0].strip().lower()
        hint = formats.hints.for_name(formats.kind, media_type.partition("/")[2])
        known = listed([known for format_ in formats for known in format_.media_types])
        message = f"Content-Type {media_type[:100]!r} is not supported. Known: {known}."
        raise UnsupportedMediaType(f"{message} {hint or ''}".rstrip())

    def _output(self, accept: str) -> Wire:
        """Return the best wire of an `Accept` header; `NotAcceptable` if there is none."""
        if accept.count(",") >= _MOST_RANGES:
            raise NotAcceptable(f"The header Accept has more than {_MOST_RANGES} media ranges.")
        producible = [
            (range_, compression)
            for range_ in media_ranges(accept or "*/*")
            if (compression := self._compression(range_)) is not None
        ]
        configured = self._config.output_format
        offers = [
            (*best, format_)
            for format_ in sorted(self._catalog.formats, key=lambda f: f.name != configured)
            if (best := _best_range(format_, producible)) is not None
        ]
        if not offers:
            raise NotAcceptable(f"Cannot produce any encoding accepted by {accept[:200]!r}")
        # Among equals the first of the header counts, then the configured format.
        _, _, compression, format_ = min(offers, key=lambda offer: (-offer[0], offer[1]))
        named = None if compression == _NONE else compression
        return Wire(format=format_.name, compression=named)

    def _compression(self, range_: MediaRange) -> str | None:
        """Return the compression that a range asks for; `None` if the range cannot be produced."""
        if range_.parameters.get("gpu_transport", _NONE) != _NONE:
            return None
        compression = range_.parameters.get("compression", self._config.compression) or _NONE
        is_known = compression == _NONE or compression in self._catalog.compressors
        return compression if is_known else None


def media_ranges(header: str) -> Iterator[MediaRange]:
    """Yield the valid ranges of an `Accept` header.

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
        try:
            quality = float(values.pop("q", "1"))
        except ValueError:
            continue
        if 0.0 <= quality <= 1.0:
            yield MediaRange(type=name.lower(), quality=quality, parameters=values)


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
