"""Telling what is wrong with a file at the place of the payload that names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from pydantic_core import PydanticCustomError

from runtime_core.errors import FileRefused, InvalidPayload, MissingFile, TesseractRuntimeError


@contextmanager
def as_validation_error() -> Iterator[None]:
    """Make a fault of the field that is validated from an error of the runtime.

    Of an `InvalidPayload`, which is one of another document, only the text is told.
    """
    try:
        yield
    except TesseractRuntimeError as error:
        kind = _KINDS.get(type(error), "not_usable")
        raise PydanticCustomError(kind, "{problem}", {"problem": str(error)}) from None


_KINDS: Mapping[type[TesseractRuntimeError], str] = MappingProxyType(
    {
        FileRefused: "file_refused",
        MissingFile: "missing_file",
        InvalidPayload: "invalid_item",
    }
)
"""What pydantic's `type` of a fault is; anything else, such as a missing package, has its own."""
