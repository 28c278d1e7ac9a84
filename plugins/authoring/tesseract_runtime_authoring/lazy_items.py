"""The items of lazy sequences: their type and their source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from tesseract_runtime_authoring.path_root import quoted

ItemType = Callable[[], TypeAdapter[Any]]
"""Returns the validator of the items of a field; it is built when the first item is used."""


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

    def __call__(self, name: str) -> Any:
        """Return the item in a file.

        Raises `InvalidItem` that names the file and the path inside of it.
        """
        with scope.enter(self.scope):
            try:
                body = self.scope.files.read(name)
                tree = documents.read(body, self._format(name), noun="file")
            except TesseractRuntimeError as error:
                fault = {"type": str(error.kind), "loc": [], "msg": str(error)}
                raise _invalid(name, [fault]) from None
            options = {**self.scope.options, "base_dir": _folder(name)}
            try:
                return self.item().validate_python(tree, context=options)
            except ValidationError as error:
                raise _invalid(name, invalid_payload(error).details) from None

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
            return self.item().validate_python(self.items[position])
        except ValidationError as error:
            faults = fault_lines(invalid_payload(error).details, root="item")
            raise InvalidResult(f"Item {position} of a sequence is not valid:\n{faults}") from None


def _folder(name: str) -> str:
    return name.rpartition("/")[0] if is_url(name) else str(PurePath(name).parent)


def _invalid(name: str, details: Sequence[Mapping[str, Any]]) -> InvalidItem:
    place = f"item {quoted(name)}"
    return InvalidItem([{**detail, "loc": [place, *detail["loc"]]} for detail in details])
