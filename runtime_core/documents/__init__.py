"""Documents: payloads and results as trees and as bytes, with arrays as leaves."""

from runtime_core.documents.document import joined, pieces, read, tree_of, write
from runtime_core.documents.encoded_array import dumped, dumped_buffer, keep_failure
from runtime_core.documents.json_format import JsonDocumentCodec
from runtime_core.documents.splices import Splices
from runtime_core.documents.wire import (
    configured_wire,
    format_of_media_type,
    format_of_suffix,
    media_type_of,
    writable,
)

__all__ = [
    "JsonDocumentCodec",
    "Splices",
    "configured_wire",
    "dumped",
    "dumped_buffer",
    "format_of_media_type",
    "format_of_suffix",
    "joined",
    "keep_failure",
    "media_type_of",
    "pieces",
    "read",
    "tree_of",
    "writable",
    "write",
]
