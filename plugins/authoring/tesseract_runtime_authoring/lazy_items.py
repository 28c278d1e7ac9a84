"""The items of lazy sequences: read from files, or made in Python and validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runtime_core import documents
from runtime_core.calls import BoundedValidator, Scope, enter_scope, invalid_payload
from runtime_core.documents import format_of_suffix
from runtime_core.errors import (
    InvalidItem,
    InvalidPayload,
    InvalidResult,
    TesseractRuntimeError,
    ValidationFaults,
)
from runtime_core.files import is_url
from tesseract_runtime_authoring.path_root import quoted


class ItemType:
    """The type of the items of a field; its validator is built when the first item is used."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation

    def validate(self, value: Any, options: Any = None) -> Any:
        """Return an item; `InvalidPayload` has the faults of a value that is not one."""
        try:
            return self._validator.validate(value, options)
        except ValidationError as error:
            raise invalid_payload(error, self._annotation) from None

    @cached_property
    def _validator(self) -> BoundedValidator:
        return BoundedValidator(TypeAdapter(self._annotation).core_schema)


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
        folder = name.rpartition("/")[0] if is_url(name) else str(PurePath(name).parent)
        options = {**self.scope.options, "base_dir": folder}
        with enter_scope(self.scope.reading(options)):
            try:
                body = self.scope.files.read(name)
                tree = documents.read(body, format_ or catalog.formats.find("json"), noun="file")
            except TesseractRuntimeError as error:
                fault = {"type": str(error.kind), "loc": [], "msg": str(error)}
                raise _invalid(name, [fault]) from None
            try:
                return self.item.validate(tree, options)
            except InvalidPayload as error:
                raise _invalid(name, error.details) from None


@dataclass(frozen=True, kw_only=True)
class CheckedItems:
    """Validates items of a sequence made in Python."""

    item: ItemType
    items: Sequence[Any]

    def __call__(self, position: int) -> Any:
        """Return a validated item; `InvalidMadeItem` names its position."""
        value = self.items[position]  # its own errors name files
        try:
            return self.item.validate(value)
        except InvalidPayload as error:
            raise InvalidMadeItem.of(_placed(f"item {position}", error.details)) from None


class InvalidMadeItem(ValidationFaults, InvalidResult):
    """An item of a sequence made in Python does not fit the field of the sequence."""


def _invalid(name: str, details: Sequence[Mapping[str, Any]]) -> InvalidItem:
    return InvalidItem.of(_placed(f"item {quoted(name)}", details))


def _placed(place: str, details: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{**detail, "loc": [place, *detail["loc"]]} for detail in details]
