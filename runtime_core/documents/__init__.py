"""Documents: payloads and results as trees and as bytes, with arrays as leaves."""

from runtime_core.documents.document import joined, read, tree_of, write
from runtime_core.documents.encoded_array import dumped, dumped_buffer, keep_failure
from runtime_core.documents.splices import Splices
from runtime_core.documents.wire import format_of_media_type, format_of_suffix

__all__ = [
    "Splices",
    "dumped",
    "dumped_buffer",
    "format_of_media_type",
    "format_of_suffix",
    "joined",
    "keep_failure",
    "read",
    "tree_of",
    "write",
]
