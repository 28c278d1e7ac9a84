"""The 14 data types of arrays, by their names in schemas and documents."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

DTypeName = Literal[
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
]

DTYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {name: np.dtype(name) for name in get_args(DTypeName)}
)
"""numpy's data type of each name, in native byte order."""

NAMES: Mapping[np.dtype[Any], str] = MappingProxyType({t: name for name, t in DTYPES.items()})
"""The name of each data type; numpy takes microseconds for it."""


def castable(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Test whether arrays of one data type are accepted for another.

    Casts of the same kind are, and any integer for any integer, whose values are checked.
    """
    if source.kind in "iu" and target.kind in "iu":
        return True
    return np.can_cast(source, target, "same_kind")


def castable_names(target: str) -> list[str]:
    """Return the data types that are accepted for `target`.

    >>> castable_names("bool")
    ['bool']
    """
    return [name for name, dtype in DTYPES.items() if castable(dtype, DTYPES[target])]
