"""`LazySequence`: a sequence that reads its items when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from operator import eq, index
from threading import Lock
from typing import Any, TypeVar, cast, get_args, overload

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from runtime_core import documents
from runtime_core.calls import current_scope
from runtime_core.errors import TesseractRuntimeError, shortened
from tesseract_runtime_authoring.glob_files import names_matching
from tesseract_runtime_authoring.lazy_items import CheckedItems, ItemFiles, ItemType
from tesseract_runtime_authoring.validation_errors import as_validation_error

T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A sequence that calls `getter` with the key of an item when the item is first used.

    It is called once per item, even by several threads. Without a getter the keys are the items.
    `keys` of a field with a glob are the names of the files.

    As the type of a field it takes a list, or `@` and a glob of files with one item each, relative
    to the input path. Files are read and validated when their items are used.

    >>> squares = LazySequence(range(1000), lambda number: number**2)
    >>> len(squares), squares[-1], list(squares[2:4])
    (1000, 998001, [4, 9])
    >>> from pydantic import BaseModel
    >>> class Inputs(BaseModel):
    ...     names: LazySequence[str]
    >>> Inputs(names=["a", "b"]).names[1]
    'b'
    """

    def __init__(self, keys: Sequence[Any], getter: Callable[[Any], T] | None = None) -> None:
        self.keys = keys
        self._arguments = keys  # of the getter: positions in another sequence, for a part of it
        self._getter = getter
        self._items: dict[int, T] = {}
        self._locks: dict[int, Lock] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, position: int) -> T: ...

    @overload
    def __getitem__(self, position: slice) -> LazySequence[T]: ...

    def __getitem__(self, position: int | slice) -> T | LazySequence[T]:
        """Return an item, or a sequence of items without reading them."""
        chosen = range(len(self))
        if isinstance(position, slice):
            return _derived(self.keys[position], self._item, chosen[position])
        try:
            number = chosen[index(position)]
        except IndexError:
            raise IndexError(f"Item {position} is out of range in {self!r}.") from None
        return self._item(number)

    def __iter__(self) -> Iterator[T]:
        # Unlike that of `Sequence`, it does not end at an `IndexError` of the getter.
        return map(self._item, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, LazySequence | list | tuple):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it equals lists, which are not hashable

    def __repr__(self) -> str:
        return f"LazySequence of {len(self)} items"

    def __reduce__(self) -> Any:
        return type(self), (list(self),)  # another process may not have the files

    def __copy__(self) -> LazySequence[T]:
        return self  # it is immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> LazySequence[T]:
        # Items that are not read yet are read once for both sequences.
        if self._getter is None:
            return LazySequence(deepcopy(self.keys, memo))
        copied = _derived(
            self.keys, lambda position: deepcopy(self._item(position)), range(len(self))
        )
        copied._items.update(deepcopy(self._items, memo))
        return copied

    def _item(self, position: int) -> T:
        if self._getter is None:
            return cast("T", self.keys[position])
        if position not in self._items:
            with self._locks.setdefault(position, Lock()):
                if position not in self._items:
                    self._items[position] = self._getter(self._arguments[position])
        return self._items[position]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        annotation: Any = (*get_args(source), Any)[0]
        items = handler.generate_schema(list[annotation])
        return core_schema.with_info_wrap_validator_function(
            partial(_validate, ItemType(annotation)),
            items,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _serialize, schema=items, info_arg=True
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        items = handler(schema)
        return items if handler.mode == "serialization" else {"anyOf": [items, _GLOB]}


def _derived(
    keys: Sequence[Any], item: Callable[[int], T], positions: Sequence[int]
) -> LazySequence[T]:
    """Return a sequence of the items at some positions of another one, with their keys."""
    sequence = LazySequence(positions, item)
    sequence.keys = keys
    return sequence


_GLOB = {
    "type": "string",
    "pattern": "^@",
    "description": "@ and a glob of files with an item each, relative to the input path.",
}


def _validate(
    item: ItemType, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> LazySequence[Any]:
    if isinstance(value, LazySequence):
        return _checked(value, item, handler)
    if not isinstance(value, str):
        return LazySequence(handler(value))
    if not value.startswith("@"):
        raise PydanticCustomError(
            "glob_type",
            "Input should be a list, or '@' and a glob of files, not {text}",
            {"text": repr(shortened(value))},
        )
    document = current_scope().document(dict(info.context or {}))
    with as_validation_error():
        names = names_matching(value[1:], document.files)
    return LazySequence(names, ItemFiles(item=item, scope=document))


def _checked(
    sequence: LazySequence[Any], item: ItemType, handler: ValidatorFunctionWrapHandler
) -> LazySequence[Any]:
    """Return a sequence of validated items; those of a lazy one are validated when used."""
    getter = sequence._getter
    if getter is None:
        return LazySequence(handler(sequence.keys))
    if isinstance(getter, ItemFiles | CheckedItems) and getter.item is item:
        return sequence
    checked = CheckedItems(item=item, items=sequence)
    return _derived(sequence.keys, checked, range(len(sequence)))


def _serialize(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    try:
        return handler(list(value))
    except TesseractRuntimeError as error:
        documents.keep_failure(error, info.context)
        raise
