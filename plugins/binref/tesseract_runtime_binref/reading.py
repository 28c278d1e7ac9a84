"""Reading a part of a file whose length is known beforehand."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np


def part_of(file: BinaryIO, offset: int, size: int) -> memoryview:
    """Return `size` bytes of a file from `offset` on, in new writable memory.

    Raises `ValueError` when the file is too short, before memory is taken where its size is known.
    """
    length = _length(file)
    if length is not None and offset + size > length:
        raise _too_short(length, offset, size)
    part = np.empty(size, np.uint8).data  # a bytearray would be filled with zeros first
    try:
        file.seek(offset)
        read = _read_into(file, part)
    # Remote file systems have errors of their own.
    except Exception as error:
        raise ValueError(f"it cannot be read: {type(error).__name__}: {error}") from None
    if read != size:
        raise _too_short(offset + read, offset, size)
    return part


def _read_into(file: Any, part: memoryview) -> int:
    read = 0
    while read < len(part):
        count = file.readinto(part[read:])
        if not count:
            break
        read += count
    return read


def _length(file: Any) -> int | None:
    """Return the size of a local file, or of a remote one if its file system tells."""
    try:
        return os.fstat(file.fileno()).st_size
    except (AttributeError, OSError):  # remote files have no descriptor
        size = getattr(file, "size", None)
        return size if isinstance(size, int) else None


def _too_short(length: int, offset: int, size: int) -> ValueError:
    return ValueError(
        f"the file has {length} bytes, but the array takes {size} bytes from byte {offset} on"
    )
