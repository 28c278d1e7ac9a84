"""Array encodings: how one array is written into the `data` of its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, final

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


@final
class EncodedArray:
    """An array as a leaf of a document's tree, which no format needs to understand.

    `data` holds the keys of `data` but `buffer`: `encoding`, then for instance `compression`. The
    `buffer` is bytes-like, or text where a format reads it.
    """

    # Not a dataclass: pydantic would write it by its fields, without asking for a fallback.
    __slots__ = ("buffer", "data", "spec")

    def __init__(self, spec: ArraySpec, data: Mapping[str, Any], buffer: Any) -> None:
        self.spec = spec
        self.data = data
        self.buffer = buffer

    def __repr__(self) -> str:
        """Return shape, data type and encoding, without the numbers."""
        return f"<EncodedArray {list(self.spec.shape)} {self.spec.dtype} {dict(self.data)}>"

    def document(self, buffer: Any) -> dict[str, Any]:
        """Return the mapping that stands for the array in documents, with `buffer` for its own.

        >>> import numpy as np
        >>> spec = ArraySpec(shape=(2,), dtype=np.dtype("int8"))
        >>> array = EncodedArray(spec, {"encoding": "json"}, [1, 2])
        >>> array.document(array.buffer)["data"]
        {'buffer': [1, 2], 'encoding': 'json'}
        """
        return {
            "object_type": "array",
            "shape": list(self.spec.shape),
            "dtype": _name(self.spec.dtype),
            "data": {"buffer": buffer, **self.data},
        }


@cache  # there are few data types, and numpy takes microseconds for a name
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


class ArrayCodec(Protocol):
    """Turns arrays into `data` and back; never sees a whole document."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return the keys of `data` for a C-contiguous array in little-endian byte order.

        A `buffer` that is bytes-like comes into the document without a copy: as raw bytes in a
        binary format, else as text, which then must be ASCII without control characters,
        quotation marks and backslashes.
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
