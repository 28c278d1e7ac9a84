"""The part of a call's scope that array codecs use."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runtime_core.contracts.compressors import BoundCompressor
    from runtime_core.files import FileAccess


class CallScope(Protocol):
    """The scope of an array codec: files, compressors and the options of the document."""

    @property
    def files(self) -> FileAccess:
        """The access to the files that the document names."""

    @property
    def options(self) -> MutableMapping[str, Any]:
        """The pydantic context: `base_dir`, `compression`, `max_file_size`, and so on."""

    def compressor(self, name: str) -> BoundCompressor:
        """Return a compressor by its name with options; `UnknownName` gives the next step."""
