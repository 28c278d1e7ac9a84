"""The columns of rows: scalars as they are, arrays as nested lists, complex numbers as two."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic_core import to_json

from runtime_core.arrays import AnyArray

_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})

_OWN = {
    "index": pa.int64(),
    "status": pa.string(),
    "run_id": pa.string(),
    "seconds": pa.float64(),
    "error": pa.string(),
    "memo": pa.string(),
}
"""The types of the columns that every table has."""


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the table of rows: lines of JSON whose arrays are in base64."""
    names: dict[str, list[Any]] = {name: [None] * len(rows) for name in _OWN}
    for position, row in enumerate(rows):
        for name, value in _leaves(row, ""):
            names.setdefault(name, [None] * len(rows))[position] = value
    columns = [pair for name, values in names.items() for pair in _columns(name, values)]
    fields, arrays = zip(*columns, strict=True)
    return pa.table(list(arrays), schema=pa.schema(list(fields)))


def _leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of a tree with their paths."""
    if isinstance(tree, dict) and tree.get("object_type") == "array":
        yield name, _decoded(tree)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(tree, list) and any(isinstance(each, dict | list) for each in tree):
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{name}.[{index}]")
    elif tree is not None:
        yield name, tree


def _decoded(document: Mapping[str, Any]) -> AnyArray:
    data = base64.b64decode(document["data"]["buffer"])
    dtype = np.dtype(document["dtype"]).newbyteorder("<")
    return np.frombuffer(data, dtype).reshape(document["shape"])


def _columns(name: str, values: Sequence[Any]) -> Iterator[tuple[pa.Field, pa.Array]]:
    """Yield the one or two columns of the values of a path; `None` is a missing value."""
    if name in _OWN:
        yield pa.field(name, _OWN[name]), pa.array(values, _OWN[name])
        return
    known = [value for value in values if value is not None]
    if not all(isinstance(value, np.ndarray) for value in known):
        column = _of_scalars(values, known)
        yield pa.field(name, column.type), column
    elif any(np.iscomplexobj(value) for value in known):
        for part in ("real", "imag"):
            parts = [value if value is None else getattr(value, part) for value in values]
            yield _of_arrays(f"{name}.{part}", parts, [getattr(each, part) for each in known])
    else:
        yield _of_arrays(name, values, known)


def _of_scalars(values: Sequence[Any], known: Sequence[Any]) -> pa.Array:
    if all(_is_number(value) for value in known) and any(type(each) is not int for each in known):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # of several types, or too large
        texts = [None if v is None else to_json(_listed(v)).decode() for v in values]
        return pa.array(texts, pa.string())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (type(value) is str and value in _NOT_FINITE)


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _of_arrays(
    name: str, values: Sequence[Any], known: Sequence[AnyArray]
) -> tuple[pa.Field, pa.Array]:
    """Return a column of nested lists; its metadata has the shape, null for sizes that differ."""
    if len({each.ndim for each in known}) > 1:  # flat, as a column has one type
        known = [each.ravel() for each in known]
    shapes = [each.shape for each in known]
    sizes = [set(axis) for axis in zip(*shapes, strict=True)]
    shape = [each.pop() if len(each) == 1 else None for each in sizes]
    dtype = np.result_type(*known)
    flat = np.concatenate([each.ravel() for each in known]).astype(dtype.newbyteorder("="))
    column = pa.array(flat)
    for axis in reversed(range(1, known[0].ndim)):
        inner = [np.full(int(np.prod(s[:axis])), s[axis]) for s in shapes]
        column = pa.ListArray.from_arrays(_offsets(np.concatenate(inner)), column)
    missing = np.array([value is None for value in values])
    if known[0].ndim:
        lengths = np.zeros(len(values), np.int64)
        lengths[~missing] = [s[0] for s in shapes]
        column = pa.ListArray.from_arrays(_offsets(lengths), column, mask=pa.array(missing))
    else:
        places = pa.array(np.cumsum(~missing) - 1, mask=missing)
        column = column.take(places)
    metadata = {"shape": to_json(shape), "dtype": dtype.name}
    return pa.field(name, column.type, metadata=metadata), column


def _offsets(lengths: AnyArray) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
