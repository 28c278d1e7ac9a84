"""The codecs of a catalog, loaded for one configuration."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, final
from urllib.parse import parse_qsl

from runtime_core.catalog import Catalog, Registered, Registry
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import (
    ArrayCodec,
    BoundCompressor,
    CodecContext,
    DocumentCodec,
    ReadingLimits,
)
from runtime_core.errors import InvalidOption
from runtime_core.plugins.compressor_options import bound

_MOST = 256  # codecs of a kind: callers choose parameters and options


@final
class Codecs:
    """Loads each codec when it is first needed, and once."""

    def __init__(self, catalog: Catalog, config: RuntimeConfig) -> None:
        self._catalog = catalog
        self._config = config
        self.format = lru_cache(_MOST)(self._format)
        self.encoding = lru_cache(_MOST)(self._encoding)
        self.compressor = lru_cache(_MOST)(self._compressor)

    @property
    def limits(self) -> ReadingLimits:
        """The limits of documents."""
        config = self._config
        return ReadingLimits(items=config.max_json_items, memory=config.memory_limit)

    def _format(self, name: str, parameters: str = "") -> DocumentCodec:
        """Return the codec of a format; `InvalidOption` for a wrong parameter of its media type."""
        try:
            codec: DocumentCodec = self._loaded(self._catalog.formats, name, parameters)
        except ValueError as error:
            raise InvalidOption(f"Format {name!r} does not take {parameters!r}: {error}") from None
        return codec

    def _encoding(self, name: str) -> ArrayCodec:
        codec: ArrayCodec = self._loaded(self._catalog.encodings, name)
        return codec

    def _compressor(self, text: str) -> BoundCompressor:
        """Return a compressor by its name with options; `InvalidOption` for a wrong option."""
        name, _, options = text.partition(":")
        return bound(name, options, self._loaded(self._catalog.compressors, name))

    def _loaded(self, registry: Registry[Any], name: str, parameters: str = "") -> Any:
        declaration = registry.find(name)
        return declaration.load(context=self._context(registry.entries[name], parameters))

    def _context(self, entry: Registered[Any], parameters: str) -> CodecContext:
        own = self._catalog.sections_of(entry)
        return CodecContext(
            settings={name: self._config.section(name) for name in own},
            limits=self.limits,
            parameters=dict(parse_qsl(parameters, keep_blank_values=True)),
        )
