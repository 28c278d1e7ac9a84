"""What array codecs may know of the call that they work for."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runtime_core.contracts.compressors import CompressionCodec
    from runtime_core.files import FileAccess


class CallScope(Protocol):
    """The scope of one array: files, compressors and the options of its document."""

    @property
    def files(self) -> FileAccess:
        """The only opener of files that this document may name."""

    @property
    def options(self) -> MutableMapping[str, Any]:
        """The pydantic context: `base_dir`, `compression`, `max_file_size`, and so on."""

    def compressor(self, name: str) -> CompressionCodec:
        """Return a compressor by name; `UnknownName` says what could be installed."""
