"""The items of lazy sequences: their type and their source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath, PurePosixPath
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from runtime_core import documents
from runtime_core.calls import scope
from runtime_core.calls.faults import invalid_payload
from runtime_core.calls.scope import Scope
from runtime_core.contracts import Format
from runtime_core.documents.wire import format_of_suffix
from runtime_core.errors import InvalidItem, InvalidResult, TesseractRuntimeError, fault_lines
from runtime_core.files import is_url
from tesseract_runtime_authoring.glob_files import names_matching
from tesseract_runtime_authoring.path_root import quoted


class ItemType:
    """The type of the items of a field; its validator is made when the first item is used."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The validator of an item."""
        return TypeAdapter(self._annotation)


@dataclass(frozen=True, kw_only=True)
class ItemFiles:
    """Reads items from files, with the rights and options of the call that named them.

    `scope` is the one in which the sequence was validated: a thread that uses it may have none.
    """

    item: ItemType
    scope: Scope

    @classmethod
    def captured(cls, item: ItemType, options: Mapping[str, Any] | None) -> Self:
        """Return a reader of files for the running call and the context of its document."""
        current = scope.current()
        return cls(item=item, scope=current.document(dict(options or {})))

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the names of the files that match a glob, with the errors of `names_matching`."""
        return names_matching(pattern, self.scope.files)

    def __call__(self, name: str) -> Any:
        """Return the item in a file.

        Raises `InvalidItem` that names the file and the path inside of it.
        """
        with scope.enter(self.scope):
            try:
                body = self.scope.files.read(name)
                tree = documents.read(body, self._format(name), noun="file")
            except TesseractRuntimeError as error:
                raise InvalidItem([_unread(name, error)]) from None
            options = {**self.scope.options, "base_dir": _folder(name)}
            try:
                return self.item.adapter.validate_python(tree, context=options)
            except ValidationError as error:
                raise _invalid(name, error) from None

    def _format(self, name: str) -> Format:
        formats = self.scope.catalog.formats
        suffix = PurePosixPath(name).suffix
        return format_of_suffix(self.scope.catalog, suffix) or formats.find("json")


@dataclass(frozen=True, kw_only=True)
class CheckedItems:
    """Validates items of a sequence made in Python."""

    item: ItemType
    items: Sequence[Any]

    def __call__(self, position: int) -> Any:
        """Return a validated item; `InvalidResult` names its position."""
        try:
            return self.item.adapter.validate_python(self.items[position])
        except ValidationError as error:
            faults = fault_lines(invalid_payload(error).details, root="item")
            raise InvalidResult(f"Item {position} of a sequence is not valid:\n{faults}") from None


def _folder(name: str) -> str:
    return name.rpartition("/")[0] if is_url(name) else str(PurePath(name).parent)


def _unread(name: str, error: TesseractRuntimeError) -> dict[str, Any]:
    return {"type": str(error.kind), "loc": [f"item {quoted(name)}"], "msg": str(error)}


def _invalid(name: str, error: ValidationError) -> InvalidItem:
    place = f"item {quoted(name)}"
    details = invalid_payload(error).details
    return InvalidItem([{**detail, "loc": [place, *detail["loc"]]} for detail in details])
