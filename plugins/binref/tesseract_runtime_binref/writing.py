"""Writing arrays into files, one after another."""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from runtime_core.errors import InvalidOption, NotWritten
from runtime_core.files import is_url, join, write
from tesseract_runtime_binref.reference import Reference

DEFAULT_MAX_FILE_SIZE = 100 * 2**20
"""Bytes after which the next file is begun."""

_CURRENT = "__binref_uuid"
"""The option that names the file of one document; it is kept here from array to array."""


def stored(data: memoryview, options: MutableMapping[str, Any]) -> Reference:
    """Write bytes into the files of one document and return where they are.

    Raises `InvalidOption` when no `base_dir` says where, `NotWritten` for a file that cannot be
    written.
    """
    if options.get("base_dir") is None:
        raise InvalidOption(
            "Array encoding 'binref' writes files: name a folder for them with -o or "
            "--output-path, or in Python with context={'base_dir': ...}."
        )
    folder = str(options["base_dir"])
    store = _stored_remotely if is_url(folder) else _appended
    return store(data, folder, options)


def _stored_remotely(data: memoryview, folder: str, options: MutableMapping[str, Any]) -> Reference:
    """Write a file of its own: what is remote cannot be appended to."""
    name = _named(str(uuid.uuid4()), options)
    write(join(folder, name), [data])
    return Reference(path=name)


def _appended(data: memoryview, folder: str, options: MutableMapping[str, Any]) -> Reference:
    """Append to the current file, or to a new one once that is large enough."""
    limit = _limit(options)
    name = _named(options.setdefault(_CURRENT, str(uuid.uuid4())), options)
    try:
        offset = _append(data, Path(folder) / name, limit)
    except OSError as error:
        raise NotWritten(f"Cannot write {name!r} in {folder!r}: {error.strerror}.") from None
    if offset is not None:
        return Reference(path=name, offset=offset)
    options[_CURRENT] = str(uuid.uuid4())
    return _appended(data, folder, options)


def _limit(options: MutableMapping[str, Any]) -> int:
    limit = options.get("max_file_size")
    if limit is None:
        return DEFAULT_MAX_FILE_SIZE
    if not isinstance(limit, int) or limit < 0:
        raise InvalidOption(f"max_file_size={limit!r:.60} must be a number of bytes.")
    return limit


def _append(data: memoryview, path: Path, limit: int) -> int | None:
    """Append to a file and return where; `None` if it has exceeded the limit already.

    The lock is for threads that write with one context; documents never share a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        offset = file.seek(0, 2)
        if offset > limit:
            return None
        file.write(data)
    return offset


def _named(identifier: str, options: MutableMapping[str, Any]) -> str:
    folder = options.get("binref_dir")
    return f"{folder}/{identifier}.bin" if folder else f"{identifier}.bin"
