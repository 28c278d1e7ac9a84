"""Documents: payloads and results as trees and as bytes, with arrays as leaves."""

from runtime_core.documents.document import joined, read, tree_of, write
from runtime_core.documents.encoded_array import dumped, dumped_buffer, keep_failure

__all__ = ["dumped", "dumped_buffer", "joined", "keep_failure", "read", "tree_of", "write"]
