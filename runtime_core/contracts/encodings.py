"""Array encodings: how one array is written into the `data` of its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from runtime_core.contracts.scope import CallScope

EncodedData = Mapping[str, Any]
"""The keys of `data` without `encoding`: `buffer` first, then for instance `compression`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArraySpec:
    """What a document says of an array before its bytes are read.

    `shape` is concrete and `dtype` is in native byte order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class ArrayCodec(Protocol):
    """Turns arrays into `data` and back; never sees a whole document."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return the keys of `data` for a C-contiguous array in little-endian byte order.

        A `buffer` that is bytes-like is spliced into the document without a copy: as raw bytes in
        a binary format, else as the text of a JSON string, which then must be ASCII without
        control characters, quotation marks and backslashes.
        """

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Return a writable array that owns its data, of exactly `spec.shape` and `spec.dtype`.

        Raises `ValueError` for anything else than a buffer of the right size, before it takes
        memory for the array.
        """


@dataclass(frozen=True, kw_only=True, eq=False)  # a JSON Schema has no hash; identity does
class ArrayEncoding:
    """Declares an array encoding under the name that `data.encoding` carries.

    `binary` encodings give raw bytes and only fit binary formats. Those that `writes_files` need a
    folder, which must be known before a result is computed. `data_schema` is the JSON
    Schema of `data` including `encoding`; its `title` names the component in OpenAPI.
    """

    name: str
    summary: str
    data_schema: Mapping[str, Any]
    load: Callable[[], ArrayCodec]
    binary: bool = False
    writes_files: bool = False
