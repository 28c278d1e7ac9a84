"""The files with the bytes of arrays: written one after another, read in parts of known size."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import numpy as np

from runtime_core.errors import InvalidOption, NotWritten
from runtime_core.files import is_url, join, write
from tesseract_runtime_binref.file_reference import Reference

DEFAULT_MAX_FILE_SIZE = 100 * 2**20  # bytes after which the next file begins

_CURRENT = "__binref_uuid"  # the option with the name of the document's current file


def write_array(data: memoryview, options: MutableMapping[str, Any]) -> Reference:
    """Write bytes into the files of one document and return the reference to them.

    A local file is appended to until it is large enough; a remote one holds one array. Raises
    `InvalidOption` without a `base_dir`, `NotWritten` for a file that cannot be written.
    """
    if options.get("base_dir") is None:
        raise InvalidOption(
            "Array encoding 'binref' writes files: name a folder for them with -o or "
            "--output-path, or in Python with context={'base_dir': ...}."
        )
    folder = str(options["base_dir"])
    if is_url(folder):
        name = _file_name(str(uuid.uuid4()), options)
        write(join(folder, name), [data])
        return Reference(path=name)
    limit = options.get("max_file_size")
    if limit is None:
        limit = DEFAULT_MAX_FILE_SIZE
    if not isinstance(limit, int) or limit < 0:
        raise InvalidOption(f"max_file_size={limit!r:.60} must be a number of bytes.")
    return _append(data, folder, limit, options)


def _append(
    data: memoryview, folder: str, limit: int, options: MutableMapping[str, Any]
) -> Reference:
    name = _file_name(options.setdefault(_CURRENT, str(uuid.uuid4())), options)
    path = Path(folder, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            # For threads that write with one context; documents never share a file.
            fcntl.flock(file, fcntl.LOCK_EX)
            offset = file.seek(0, os.SEEK_END)
            if offset <= limit:
                file.write(data)
                return Reference(path=name, offset=offset)
    except OSError as error:
        raise NotWritten(f"Cannot write {name!r} in {folder!r}: {error.strerror}.") from None
    options[_CURRENT] = str(uuid.uuid4())
    return _append(data, folder, limit, options)


def _file_name(identifier: str, options: MutableMapping[str, Any]) -> str:
    folder = options.get("binref_dir")
    return f"{folder}/{identifier}.bin" if folder else f"{identifier}.bin"


def read_part(file: Any, offset: int, size: int) -> memoryview:
    """Read `size` bytes of a file from `offset` on into new writable memory.

    Raises `ValueError` when the file is too short, if possible before memory is allocated.
    """
    length = _length(file)
    if length is not None and offset + size > length:
        raise _too_short(length, offset, size)
    part = np.empty(size, np.uint8).data  # a bytearray would be filled with zeros first
    read = 0
    try:
        file.seek(offset)
        while read < size and (count := file.readinto(part[read:])):
            read += count
    # Remote file systems raise their own errors.
    except Exception as error:
        raise ValueError(f"it cannot be read: {type(error).__name__}: {error}") from None
    if read != size:
        raise _too_short(offset + read, offset, size)
    return part


def _length(file: Any) -> int | None:
    """Return the size of a local file, or of a remote one if its file system reports it."""
    try:
        return os.fstat(file.fileno()).st_size
    except (AttributeError, OSError):  # remote files have no descriptor
        size = getattr(file, "size", None)
        return size if isinstance(size, int) else None


def _too_short(length: int, offset: int, size: int) -> ValueError:
    return ValueError(
        f"the file has {length} bytes, but the array takes {size} bytes from byte {offset} on"
    )
