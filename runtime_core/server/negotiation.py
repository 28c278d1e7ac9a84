"""The formats of a request, from `Content-Type`, and of its answer, from `Accept`.

Media ranges and their order follow RFC 9110, section 12.5.1. The parameters of a range are `q`,
`encoding`, `compression`, `gpu_transport` and those that its format declares.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from runtime_core.calls.codecs import Codecs
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Format, Wire
from runtime_core.documents.wire import format_of_media_type, writable
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


_FORM = "application/x-www-form-urlencoded"
_OF_CURL = "curl -d sends it: use curl --json, or add -H 'Content-Type: application/json'."
_ANYTHING = ("application/*", "*/*")  # the more specific one first
_NONE = "none"
_MOST_RANGES = 64  # of an `Accept` header; browsers send eight
_REMEMBERED = 256  # headers; clients have few


class Negotiation:
    """Finds the formats of requests, with a cache by header."""

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self._catalog = catalog
        self._config = config
        self.codecs = Codecs(catalog, config)
        self.input = lru_cache(_REMEMBERED)(self._input)
        self.output = lru_cache(_REMEMBERED)(self._output)

    def _input(self, content_type: str) -> tuple[str, str]:
        """Return the format of a body, by default JSON, and the parameters of its media type.

        `UnsupportedMediaType` lists all formats, or has what is wrong with the parameters.
        """
        formats = self._catalog.formats
        format_ = format_of_media_type(self._catalog, content_type or "application/json")
        if format_ is None:
            media_type = content_type.partition(";")[0].strip().lower()
            hint = formats.hints.for_name(formats.kind, media_type.partition("/")[2])
            hint = _OF_CURL if media_type == _FORM else hint
            known = listed([known for format_ in formats for known in format_.media_types])
            message = f"Content-Type {media_type[:100]!r} is not supported. Known: {known}."
            raise UnsupportedMediaType(f"{message} {hint or ''}".rstrip())
        _, _, given = _parsed(content_type)
        read = {name: given[name] for name in given if name != "compression"}  # arrays name theirs
        try:
            wire = self._wire(format_, read, None, None)
        except TesseractRuntimeError as error:
            raise UnsupportedMediaType(f"Content-Type {content_type[:100]!r}: {error}") from None
        return wire.format, wire.parameters

    def _output(self, accept: str) -> Wire:
        """Return the best wire of an `Accept` header; `NotAcceptable` if there is none."""
        if accept.count(",") >= _MOST_RANGES:
            raise NotAcceptable(f"The header Accept has more than {_MOST_RANGES} media ranges.")
        ranges = [*media_ranges(accept or "*/*")]
        reasons: list[str] = []
        configured = self._config.output_format
        offers = [
            (*best, format_)
            for format_ in sorted(self._catalog.formats, key=lambda f: f.name != configured)
            if (best := self._best_range(format_, ranges, reasons)) is not None
        ]
        if not offers:
            reason = f": {reasons[0]}" if reasons else ""
            raise NotAcceptable(f"Cannot produce any encoding accepted by {accept[:200]!r}{reason}")
        # Among equals the first of the header counts, then the configured format.
        return min(offers, key=lambda offer: (-offer[0], offer[1]))[2]

    def _best_range(
        self, format_: Format, ranges: Sequence[MediaRange], reasons: list[str]
    ) -> tuple[float, int, Wire] | None:
        """Return quality, position and wire of the most specific range for a format, if any.

        The reasons why other ranges that name it cannot be produced are added to `reasons`.
        """
        for types in (format_.media_types, *((wildcard,) for wildcard in _ANYTHING)):
            found = []
            for position, range_ in enumerate(ranges):
                if range_.type in types:
                    try:
                        found.append((range_.quality, position, self._answer(format_, range_)))
                    except TesseractRuntimeError as error:
                        reasons.append(str(error))
            if found:
                best = max(found, key=lambda f: (f[0], -f[1]))
                return best if best[0] > 0 else None
        return None

    def _answer(self, format_: Format, range_: MediaRange) -> Wire:
        """Return the wire of an answer in a format; raises why it cannot be produced."""
        given = range_.parameters
        transport = given.get("gpu_transport", _NONE).lower()
        if transport != _NONE:
            raise NotAcceptable(f"gpu_transport {transport[:60]!r} is not available.")
        default = self._config.array_encoding if format_.any_encoding else None
        return self._wire(format_, given, default, self._config.compression)

    def _wire(
        self,
        format_: Format,
        given: Mapping[str, str],
        array_encoding: str | None,
        compression: str | None,
    ) -> Wire:
        """Return the wire of parameters of a media type, with its defaults, once it is checked."""
        name, colon, options = (given.get("compression", compression) or _NONE).partition(":")
        wire = Wire(
            format=format_.name,
            array_encoding=given["encoding"].lower() if "encoding" in given else array_encoding,
            compression=None if name.lower() == _NONE else f"{name.lower()}{colon}{options}",
            parameters=urlencode([(n, given[n]) for n in format_.parameters if n in given]),
        )
        writable(wire, self._catalog)
        if wire.compression is not None and options:
            self.codecs.compressor(wire.compression)
        if wire.parameters:
            self.codecs.format(wire.format, wire.parameters)
        return wire


def media_ranges(header: str) -> Iterator[MediaRange]:
    """Yield the valid ranges of an `Accept` header.

    >>> [r.type for r in media_ranges("text/html, application/*;q=0.8")]
    ['text/html', 'application/*']
    """
    for part in _split(header, ","):
        type_, quality, parameters = _parsed(part)
        if type_ and 0.0 <= quality <= 1.0:
            yield MediaRange(type=type_, quality=quality, parameters=parameters)


def _parsed(media_type: str) -> tuple[str, float, Mapping[str, str]]:
    """Return the name of a media type, its quality and its parameters, which may be quoted."""
    name, *pieces = (piece.strip() for piece in _split(media_type, ";"))
    pairs = (piece.partition("=") for piece in pieces)
    values = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
    try:
        quality = float(values.pop("q", "1"))
    except ValueError:
        quality = math.nan
    return name.lower(), quality, values


def _split(text: str, separator: str) -> list[str]:
    """Split a header at a character that is not inside of quotes."""
    if '"' not in text:
        return text.split(separator)
    return re.findall(rf'(?:[^{separator}"]|"[^"]*"?)+', text)
