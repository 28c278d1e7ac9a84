"""The codec of the format."""

from collections.abc import Sequence
from typing import Any

from runtime_core.contracts import Buffer, ReadingLimits
from runtime_core.documents import JsonDocumentCodec


class Codec:
    """Writes and reads JSON that ends with a line feed."""

    def __init__(self) -> None:
        """Begin with the codec of JSON."""
        self._json = JsonDocumentCodec()

    def loads(self, body: memoryview, limits: ReadingLimits) -> Any:
        """Read the tree of a document, or raise `ValueError`."""
        return self._json.loads(body, limits)

    def dumps(self, tree: Any) -> Sequence[Buffer]:
        """Write a document, whose long texts are separate buffers."""
        return [*self._json.dumps(tree), b"\n"]
