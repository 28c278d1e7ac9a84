"""The primals of a derivative: the inputs of one call, split into arrays and static values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from itertools import count
from typing import Any

import jax
import numpy as np
from pydantic import BaseModel, RootModel

from runtime_core.arrays import ShapeDType
from tesseract_runtime_jax.static_values import token
from tesseract_runtime_jax.x64 import in_64_bits, warn_of_doubles

Tree = Any
"""Nested dicts, lists and tuples, as `model_dump` returns them."""

_ARRAYS = (np.ndarray, np.generic, jax.Array, jax.ShapeDtypeStruct)
_NUMERIC_KINDS = "biufc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Primals:
    """The inputs of one call.

    `form` is a cache key: the containers with their keys, the shape and data type of each array,
    and every static value.
    """

    tree: Tree
    arrays: tuple[Any, ...]
    form: Hashable


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder in a tree for the array at a position of `Primals.arrays`."""

    position: int


def spec_of(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    """Make the spec of an array, narrowed to 32 bits if JAX computes in them."""
    make: Any = jax.ShapeDtypeStruct  # it has no types
    spec: jax.ShapeDtypeStruct = make(shape, jax.dtypes.canonicalize_dtype(dtype))
    return spec


def tree_of(inputs: BaseModel) -> Tree:
    """Dump validated inputs."""
    warn_of_doubles(type(inputs))
    return inputs.model_dump()


def primals_of(inputs: BaseModel) -> Primals:
    """Split validated inputs into primals."""
    return taken_apart(tree_of(inputs))


def taken_apart(tree: Tree) -> Primals:
    """Split a tree into primals.

    The precision of JAX belongs to the form, as it changes the data types that are compiled for.
    """
    arrays: list[Any] = []
    form: list[Hashable] = [in_64_bits()]
    _take_apart(tree, arrays, form)
    return Primals(tree=tree, arrays=tuple(arrays), form=tuple(form))


def slotted(tree: Tree) -> Tree:
    """Replace each array of a tree by a `Slot`."""
    positions = count()
    return mapped(tree, lambda leaf: Slot(next(positions)) if is_array(leaf) else leaf)


def filled(tree: Tree, arrays: Sequence[Any]) -> Tree:
    """Replace the slots of a tree by arrays."""
    return mapped(tree, lambda leaf: arrays[leaf.position] if isinstance(leaf, Slot) else leaf)


def mapped(tree: Tree, change: Callable[[Any], Any]) -> Tree:
    """Apply a function to every leaf of a tree."""
    if isinstance(tree, dict):
        return {key: mapped(child, change) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return _sequence(tree, [mapped(child, change) for child in tree])
    return change(tree)


def _sequence(tree: Any, children: Sequence[Any]) -> Any:
    """Make a list, tuple or named tuple like another."""
    return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)


def is_array(leaf: Any) -> bool:
    """Check for a numeric array, a numpy scalar, or the spec of one."""
    return isinstance(leaf, _ARRAYS) and leaf.dtype.kind in _NUMERIC_KINDS


def _take_apart(tree: Tree, arrays: list[Any], form: list[Hashable]) -> None:
    if isinstance(tree, dict):
        form.append((dict, *map(token, tree)))
        for child in tree.values():
            _take_apart(child, arrays, form)
    elif isinstance(tree, list | tuple):
        form.append((type(tree), len(tree)))
        for child in tree:
            _take_apart(child, arrays, form)
    elif is_array(tree):
        arrays.append(tree)
        form.append((tree.dtype, tree.shape))
    else:
        form.append(token(tree))


def abstract_tree(value: Any, dumped: Any) -> Tree:
    """Replace the arrays in dumped abstract inputs by specs of JAX.

    The dump alone cannot distinguish a `ShapeDType` from a model with fields of the same names.
    """
    if isinstance(value, ShapeDType):
        return spec_of(value.shape, value.dtype)
    if isinstance(value, RootModel):
        return abstract_tree(value.root, dumped)
    if (isinstance(value, BaseModel) or is_dataclass(value)) and isinstance(dumped, dict):
        return {
            key: abstract_tree(getattr(value, key, None), child) for key, child in dumped.items()
        }
    if isinstance(value, Mapping) and isinstance(dumped, dict):
        return {key: abstract_tree(value.get(key), child) for key, child in dumped.items()}
    if isinstance(value, list | tuple) and isinstance(dumped, list | tuple):
        children = [abstract_tree(*pair) for pair in zip(value, dumped, strict=True)]
        return _sequence(dumped, children)
    return dumped
