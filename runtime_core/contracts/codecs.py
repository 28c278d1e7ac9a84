"""The context of codecs: of document formats, array encodings and compressors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """Limits of the tree of a document.

    `items` is the total number of items of lists and maps, `depth` that of nested levels, `memory`
    that of the bytes of all arrays. With `views`, the long base64 text of an array may be a
    memoryview of the body.
    """

    items: int
    depth: int = 200
    memory: int | None = None
    views: bool = False


@dataclass(frozen=True, kw_only=True)
class CodecContext:
    """What a codec is loaded with.

    `settings` has the options of the plugin's own settings, by section. `parameters` are those of
    the media type of a document, as texts, which its `Format` declares by name; array encodings and
    compressors have none.
    """

    settings: Mapping[str, Any]
    limits: ReadingLimits
    parameters: Mapping[str, str]
