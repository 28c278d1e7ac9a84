"""The items of lazy sequences: read from files, or made in Python and validated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any

from pydantic import ValidationError

from runtime_core import documents
from runtime_core.calls import BoundedValidator, Scope, enter_scope, invalid_payload
from runtime_core.documents import format_of_suffix
from runtime_core.errors import (
    InvalidItem,
    InvalidResult,
    TesseractRuntimeError,
    ValidationFaults,
)
from runtime_core.files import is_url
from tesseract_runtime_authoring.path_root import quoted

ItemType = Callable[[], BoundedValidator]
"""Returns the validator of the items of a field; it is built when the first item is used."""


@dataclass(frozen=True, kw_only=True)
class ItemFiles:
    """Reads items from files, with the rights and options of the call that named them.

    `scope` is the one that validated the sequence: a thread that uses it may have none.
    """

    item: ItemType
    scope: Scope

    def __call__(self, name: str) -> Any:
        """Read the item in a file; `InvalidItem` names the file and the path inside of it."""
        catalog = self.scope.catalog
        format_ = format_of_suffix(catalog, PurePosixPath(name).suffix)
        with enter_scope(self.scope):
            try:
                body = self.scope.files.read(name)
                tree = documents.read(body, format_ or catalog.formats.find("json"), noun="file")
            except TesseractRuntimeError as error:
                fault = {"type": str(error.kind), "loc": [], "msg": str(error)}
                raise _invalid(name, [fault]) from None
            folder = name.rpartition("/")[0] if is_url(name) else str(PurePath(name).parent)
            options = {**self.scope.options, "base_dir": folder}
            try:
                return self.item().validate(tree, options)
            except ValidationError as error:
                raise _invalid(name, invalid_payload(error).details) from None


@dataclass(frozen=True, kw_only=True)
class CheckedItems:
    """Validates items of a sequence made in Python."""

    item: ItemType
    items: Sequence[Any]

    def __call__(self, position: int) -> Any:
        """Return a validated item; `InvalidMadeItem` names its position."""
        value = self.items[position]  # its own errors name files
        try:
            return self.item().validate(value)
        except ValidationError as error:
            faults = _placed(f"item {position}", invalid_payload(error).details)
            raise InvalidMadeItem.of(faults) from None


class InvalidMadeItem(ValidationFaults, InvalidResult):
    """An item of a sequence made in Python does not fit the field of the sequence."""


def _invalid(name: str, details: Sequence[Mapping[str, Any]]) -> InvalidItem:
    return InvalidItem.of(_placed(f"item {quoted(name)}", details))


def _placed(place: str, details: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{**detail, "loc": [place, *detail["loc"]]} for detail in details]
