"""The address of a call: a digest of everything that its result depends on.

Values are written one after another in a form that only equal values share: each with its type,
and with its length where it has one. Files count with their name and their content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from itertools import islice
from numbers import Number
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from runtime_core.calls.scope import current
from runtime_core.errors import FileRefused, MissingFile

_MOST_FILES = 10_000  # of a folder that a payload names, such as the working directory

Update = Callable[[Any], None]


def call_address(tesseract: str, endpoint: str, payload: Any) -> str | None:
    """Return the address of a call of a Tesseract, which is given by its identity.

    The files that the validated payload names are read, within the rights of its sender. The
    address is `None` if the payload has a secret, which a digest could give away, or an object
    whose content is unknown, such as a reference to another Tesseract.

    >>> call_address("fit", "apply", {"x": 1.0}) == call_address("fit", "apply", {"x": 1})
    False
    """
    digest = hashlib.sha256()
    try:
        _add([tesseract, endpoint, payload], digest.update)
    except _NoContentError:
        return None
    return digest.hexdigest()


def content_parts(value: Any) -> tuple[bytes, ...] | None:
    """Return the parts of the address of a value, or `None` if it has no address.

    Models that endpoints have made of one of the author's count as that.
    """
    parts: list[bytes] = []
    try:
        _add(value, lambda part: parts.append(bytes(part)))
    except _NoContentError:
        return None
    return tuple(parts)


class _NoContentError(Exception):
    """A value has no content that could be part of an address."""


@singledispatch
def _add(value: Any, update: Update) -> None:
    """Add a value to a digest."""
    if not is_dataclass(value) or isinstance(value, type):
        raise _NoContentError
    _begin(value, update)
    _add({field.name: getattr(value, field.name) for field in fields(value)}, update)


def _begin(value: Any, update: Update, size: int = 0) -> None:
    update(f"{type(value).__qualname__}:{size}\0".encode())


@_add.register(type(None))
@_add.register(Number)
@_add.register(Decimal)
@_add.register(date)  # with datetime
@_add.register(time)
@_add.register(timedelta)
@_add.register(UUID)
def _add_scalar(value: Any, update: Update) -> None:
    _add_text(value, update, repr(value))


@_add.register(str)
def _add_text(value: Any, update: Update, text: str | None = None) -> None:
    encoded = (value if text is None else text).encode("utf-8", "surrogatepass")
    _begin(value, update, len(encoded))
    update(encoded)


@_add.register(bytes)
@_add.register(bytearray)
def _add_bytes(value: Any, update: Update) -> None:
    _begin(value, update, len(value))
    update(value)


@_add.register(Enum)
def _add_enum(value: Enum, update: Update) -> None:
    _add_text(value, update, value.name)


@_add.register(BaseModel)
def _add_model(value: BaseModel, update: Update) -> None:
    reduced: Any = value.__reduce_ex__(2)
    author = reduced[1][0]  # of which a generated model is an instance in pickles
    update(f"{author.__qualname__}:0\0".encode())
    _add({**vars(value), **(value.__pydantic_extra__ or {})}, update)


@_add.register(Mapping)
def _add_mapping(value: Mapping[Any, Any], update: Update) -> None:
    """Add a mapping, whose order does not count."""
    _begin(value, update, len(value))
    for key in sorted(value, key=lambda key: (type(key).__name__, repr(key))):
        _add(key, update)
        _add(value[key], update)


@_add.register(Set)
def _add_set(value: Set[Any], update: Update) -> None:
    _begin(value, update, len(value))
    for item in sorted(map(_digest, value)):
        update(item)


def _digest(value: Any) -> bytes:
    digest = hashlib.sha256()
    _add(value, digest.update)
    return digest.digest()


@_add.register(Sequence)
def _add_sequence(value: Sequence[Any], update: Update) -> None:
    _begin(value, update, len(value))
    items = [*value]
    if _PLAIN.issuperset(map(type, items)):
        _add_text(items, update, repr(items))  # in a tenth of the time
        return
    for item in items:
        _add(item, update)


_PLAIN = frozenset({bool, int, float, complex, str, type(None)})


@_add.register(np.ndarray)
@_add.register(np.generic)
def _add_array(value: Any, update: Update) -> None:
    if value.dtype.hasobject:
        raise _NoContentError
    _begin(value, update)
    update(f"{value.dtype.str}{value.shape}\0".encode())
    update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")


@_add.register(Secret)
@_add.register(SecretStr)
@_add.register(SecretBytes)
def _refuse_secret(value: Any, update: Update) -> None:
    raise _NoContentError


@_add.register(PurePath)
def _add_path(value: PurePath, update: Update) -> None:
    """Add the name of a file or folder, relative to the input path, and its content."""
    path = Path(value).absolute()
    root = Path(os.path.realpath(current().config.input_path))
    name = path.relative_to(root) if path.is_relative_to(root) else path
    files = [*islice(_files_at(path), _MOST_FILES)]
    if len(files) == _MOST_FILES:
        raise _NoContentError
    _add([name.as_posix(), *(file.relative_to(path).as_posix() for file in files)], update)
    for file in files:
        _add(_content(file), update)


def _files_at(path: Path) -> Iterator[Path]:
    """Yield the file at a path, or all files below a folder."""
    if path.is_file():
        yield path
    for folder, names, files in os.walk(path):
        names.sort()
        yield from (Path(folder, name) for name in sorted(files))


def _content(path: Path) -> bytes | None:
    """Return the digest of a file; `None` for one that the caller may not read."""
    try:
        with current().files.open(str(path)) as file:
            return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # it is buffered
    except (FileRefused, MissingFile):
        return None
