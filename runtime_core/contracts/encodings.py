"""Array encodings: the forms of the `data` of an array document."""

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
    """The shape and data type of an array in a document.

    `shape` is concrete and `dtype` is in native byte order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@final
class EncodedArray:
    """An encoded array as a leaf of a document's tree, opaque to formats.

    `data` has the keys of the document's `data` except `buffer`: `encoding`, then for instance
    `compression`. The `buffer` is bytes-like, or text where a format reads it.
    """

    # Not a dataclass: pydantic would serialize it by its fields, without calling the fallback.
    __slots__ = ("buffer", "data", "spec")

    def __init__(self, spec: ArraySpec, data: Mapping[str, Any], buffer: Any) -> None:
        self.spec = spec
        self.data = data
        self.buffer = buffer

    def __repr__(self) -> str:
        return f"<EncodedArray {list(self.spec.shape)} {self.spec.dtype} {dict(self.data)}>"

    def document(self, buffer: Any) -> dict[str, Any]:
        """Return the array document, with `buffer` in place of the array's own.

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


@cache  # numpy takes microseconds to make a name
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


class ArrayCodec(Protocol):
    """Encodes and decodes the `data` of one array."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Return the keys of `data` for a C-contiguous array in little-endian byte order.

        A bytes-like `buffer` is written without a copy: as raw bytes in a binary format, otherwise
        as text, which must be ASCII without control characters, quotation marks and backslashes.
        """

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Return a writable array that owns its data, of exactly `spec.shape` and `spec.dtype`.

        Raises `ValueError` for a buffer of another size, before it allocates memory for the array.
        """


@dataclass(frozen=True, kw_only=True, eq=False)  # a JSON Schema has no hash; identity does
class ArrayEncoding:
    """Declares an array encoding under the name of `data.encoding`.

    `binary` encodings have raw bytes, for binary formats only. Encodings that `writes_files` need a
    folder before a result is computed. `data_schema` is the JSON Schema of `data` including
    `encoding`; its `title` names the component in OpenAPI. `load` may name the `context`, a
    `CodecContext`.
    """

    name: str
    summary: str
    data_schema: Mapping[str, Any]
    load: Callable[..., ArrayCodec]
    binary: bool = False
    writes_files: bool = False
