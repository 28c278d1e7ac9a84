"""The array encoding binref: the document refers to the bytes of an array in a file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from runtime_core.arrays import (
    array_of_bytes,
    bytes_of_array,
    check_packed_size,
    decompressed,
)
from runtime_core.contracts import ArraySpec, CallScope, EncodedData
from tesseract_runtime_binref.reading import part_of
from tesseract_runtime_binref.reference import Reference, read_reference
from tesseract_runtime_binref.writing import stored


class BinrefArrayCodec:
    """Appends arrays to files, and reads them from where a document says they are.

    Options: `base_dir`, the folder against which names are resolved and in which files are
    written, below `binref_dir` if there is one; `max_file_size`; `compression`.
    """

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Write the array into the current file of this document.

        Raises `InvalidOption` without a `base_dir`, `MissingFile` for a file that cannot be
        written.
        """
        compression = scope.options.get("compression")
        if compression is None:
            return {"buffer": str(stored(bytes_of_array(array), scope.options))}
        packed = memoryview(scope.compressor(compression).compress(bytes_of_array(array)))
        reference = replace(stored(packed, scope.options), size=packed.nbytes)
        return {"buffer": str(reference), "compression": compression}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read the array; the file must hold all of it before memory is taken."""
        reference = read_reference(data["buffer"])
        compression = data.get("compression")
        size = _size_in_file(reference, compression, spec)
        with scope.files.open(reference.path, base=scope.options.get("base_dir")) as file:
            part = part_of(file, reference.offset, size)
        if compression is None:
            return array_of_bytes(part, spec)
        return decompressed(part, compression, spec, scope)


def _size_in_file(reference: Reference, compression: str | None, spec: ArraySpec) -> int:
    """Return how many bytes an array takes in its file; `ValueError` if that cannot be."""
    size = math.prod(spec.shape) * spec.dtype.itemsize
    if compression is None:
        if reference.size not in (None, size):
            raise ValueError(
                f"{reference.size} bytes, but shape {spec.shape} of {spec.dtype} needs {size}"
            )
        return size
    if reference.size is None:
        raise ValueError(
            "with a compression it must end with the size: PATH:OFFSET:COMPRESSED_SIZE"
        )
    check_packed_size(reference.size, spec)
    return reference.size
