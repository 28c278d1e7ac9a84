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
    compressed,
    decompressed,
)
from runtime_core.contracts import ArraySpec, CallScope, EncodedData
from tesseract_runtime_binref.array_files import read_part, write_array
from tesseract_runtime_binref.file_reference import Reference, read_reference


class BinrefArrayCodec:
    """Appends arrays to files, and reads them from the references in a document.

    Options: `base_dir`, the folder from which names start and for files to write, below
    `binref_dir` if there is one; `max_file_size`; `compression`.
    """

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Write the array into the current file of this document; errors of `write_array`."""
        compression = scope.options.get("compression")
        if compression is None:
            return {"buffer": str(write_array(bytes_of_array(array), scope.options))}
        packed, name = compressed(array, compression, scope)
        reference = replace(write_array(packed, scope.options), size=packed.nbytes)
        return {"buffer": str(reference), "compression": name}

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read the array; its size is checked before memory is allocated."""
        reference = read_reference(data["buffer"])
        compression = data.get("compression")
        size = size_in_file(reference, compression, spec)
        with scope.files.open(reference.path, base=scope.options.get("base_dir")) as file:
            part = read_part(file, reference.offset, size)
        if compression is None:
            return array_of_bytes(part, spec)
        return decompressed(part, compression, spec, scope)


def size_in_file(reference: Reference, compression: str | None, spec: ArraySpec) -> int:
    """Return the number of bytes of an array in its file; `ValueError` for a wrong one."""
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
