"""Conversion between Python values with numpy arrays and the trees of documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from pydantic import BaseModel, PydanticUserError, TypeAdapter
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from runtime_core.arrays import GradientArray, Untyped
from runtime_core.documents import dumped
from runtime_core.errors import TesseractRuntimeError

_ARRAY: TypeAdapter[Any] = TypeAdapter(GradientArray)
_ANY: TypeAdapter[Any] = TypeAdapter(Untyped)
_PLAIN = (str, bool, int, float, type(None))
_BYTES = (bytes, bytearray, memoryview)
_DEEPEST = 200  # as deep as a server reads
_SHOWN = 20  # steps of a path in a fault

Path = tuple[str | int, ...]


class PayloadTree:
    """Converts a payload to the tree of its document, and collects the `faults` of its values.

    `options` is the serialization context of the current scope. `send` returns the name by which
    the other side knows a local file, or `None` if it has no such name.
    """

    def __init__(
        self, options: MutableMapping[str, Any], send: Callable[[FilePath], str | None]
    ) -> None:
        self.faults: list[dict[str, Any]] = []
        self._options = options
        self._send = send

    def of(self, value: Any, path: Path) -> Any:
        """Return the tree of a value at a path of the payload."""
        if len(path) > _DEEPEST:
            return self._refuse(path, f"It is nested more than {_DEEPEST} deep.")
        if isinstance(value, np.generic):
            return self._scalar(value, path)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, Mapping):
            return {_key(key): self.of(item, (*path, _key(key))) for key, item in value.items()}
        if hasattr(value, "__array__") or isinstance(value, memoryview):
            return self._array_like(value, path)
        if isinstance(value, Sequence | Set) and not isinstance(value, _BYTES):
            return [self.of(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, FilePath) and (name := self._send(value)) is not None:
            return name
        if isinstance(value, BaseModel):
            return self._dumped(value.model_dump, path)
        if is_dataclass(value) and not isinstance(value, type):
            return self.of({f.name: getattr(value, f.name) for f in fields(value)}, path)
        if hasattr(type(value), "__get_pydantic_core_schema__"):
            return self._dumped(partial(_dump_by_schema, value), path)
        return self._other(value, path)

    def _scalar(self, value: Any, path: Path) -> Any:
        """Return a plain number where there is one: it fits fields of arrays and of numbers."""
        number = value.item()
        return number if isinstance(number, _PLAIN) else self._array(value, path)

    def _array_like(self, value: Any, path: Path) -> Any:
        if _is_list_of_objects(value):
            return self.of(value.tolist(), path)
        try:
            array = np.asanyarray(value)
        # Arrays of other libraries may raise anything when they are converted.
        except Exception as error:
            return self._refuse(path, f"It cannot become a numpy array: {error}")
        if type(array) is np.ndarray and not array.shape:
            return self._scalar(array[()], path)
        return self._array(array, path)

    def _array(self, value: Any, path: Path) -> Any:
        try:
            array = _ARRAY.validate_python(np.asanyarray(value))
        except PydanticValidationError as error:
            [fault] = error.errors(include_url=False, include_input=False)
            self.faults.append({**fault, "loc": list(path)})
            return None
        return dumped(partial(_ARRAY.dump_python, array), self._options)

    def _dumped(self, dump: Callable[..., Any], path: Path) -> Any:
        try:
            return dumped(dump, self._options)
        except (PydanticSerializationError, PydanticUserError, TesseractRuntimeError) as error:
            return self._refuse(path, str(error))

    def _other(self, value: Any, path: Path) -> Any:
        try:
            return to_jsonable_python(value, inf_nan_mode="constants")
        # Pydantic calls methods of the value, which may raise anything.
        except Exception:
            name = type(value).__name__
            return self._refuse(path, f"An object of type {name} cannot be part of a payload.")

    def _refuse(self, path: Path, message: str) -> None:
        self.faults.append(unwritable(path, message))


def _is_list_of_objects(value: Any) -> bool:
    """Test for a column of texts, dates or mixed values, which is a list and not an array."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return kind in ("O", "U") or (kind == "M" and not isinstance(value, np.ndarray))


def unwritable(path: Path, message: str) -> dict[str, Any]:
    """Return the fault of a value that a document cannot hold."""
    return {"type": "not_serializable", "loc": list(path[:_SHOWN]), "msg": message}


def with_arrays(tree: Any, options: Mapping[str, Any]) -> Any:
    """Return the tree of a document with numpy arrays for the documents of arrays.

    `options` is the context of the current scope.

    >>> data = {"buffer": [1, 2], "encoding": "json"}
    >>> array = {"object_type": "array", "shape": [2], "dtype": "int64", "data": data}
    >>> with_arrays({"x": [array, "text"]}, {})
    {'x': [array([1, 2]), 'text']}
    """
    return _ANY.validate_python(tree, context=options)


def shapes_of(tree: Any) -> Any:
    """Return inputs with the shapes and data types of their arrays alone.

    >>> shapes_of({"x": np.zeros((2, 3)), "n": 4})
    {'x': {'shape': [2, 3], 'dtype': 'float64'}, 'n': 4}
    """
    if isinstance(tree, Mapping):
        return {key: shapes_of(item) for key, item in tree.items()}
    if hasattr(tree, "shape") and hasattr(tree, "dtype"):
        return {"shape": list(tree.shape), "dtype": np.dtype(tree.dtype).name}
    if isinstance(tree, Sequence) and not isinstance(tree, (str, *_BYTES)):
        return [shapes_of(item) for item in tree]
    return tree


def _dump_by_schema(value: object, **named: Any) -> Any:
    return TypeAdapter(type(value)).dump_python(value, **named)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else next(iter(to_jsonable_python({key: None})))
