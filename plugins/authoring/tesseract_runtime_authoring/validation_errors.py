"""Errors of the runtime as pydantic errors of the field that caused them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic_core import PydanticCustomError

from runtime_core.errors import FileRefused, InvalidPayload, MissingFile, TesseractRuntimeError

_TYPES: Mapping[type[TesseractRuntimeError], str] = {
    FileRefused: "file_refused",
    MissingFile: "missing_file",
    InvalidPayload: "invalid_item",  # of another document; only its text is kept
}


@contextmanager
def as_validation_error() -> Iterator[None]:
    """Convert an error of the runtime to a fault of the validated field."""
    try:
        yield
    except TesseractRuntimeError as error:
        kind = _TYPES.get(type(error), "not_usable")  # for example a missing package
        raise PydanticCustomError(kind, "{problem}", {"problem": str(error)}) from None
