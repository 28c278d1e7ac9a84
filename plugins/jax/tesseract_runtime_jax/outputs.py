"""The outputs of a function: arrays, which JAX computes, and other values, which pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import tree_util

from tesseract_runtime_jax.primals import Tree


@tree_util.register_static
@dataclass(frozen=True, eq=False)
class Sealed:
    """An output other than an array, as a tree without leaves, which compiled functions accept."""

    value: Any


def sealed(outputs: Tree) -> Tree:
    """Return outputs with everything sealed that is not an array."""
    return tree_util.tree_map(lambda leaf: leaf if is_array(leaf) else Sealed(leaf), outputs)


def unsealed(outputs: Tree) -> Tree:
    """Return outputs with nothing sealed, and numpy arrays for those of JAX."""
    return tree_util.tree_map(_opened, outputs, is_leaf=_is_sealed)


def described(outputs: Tree) -> Tree:
    """Return outputs with nothing sealed, and `{"shape", "dtype"}` for arrays."""
    return tree_util.tree_map(_description, outputs, is_leaf=_is_sealed)


def is_array(leaf: Any) -> bool:
    """Tell whether an output is an array."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def as_numpy(array: jax.Array) -> np.ndarray[Any, Any]:
    """Return an array that can be written to.

    JAX's own cannot, and shares memory with whatever array went through a function unchanged.
    """
    return np.asarray(array).copy()


def _is_sealed(node: Any) -> bool:
    return isinstance(node, Sealed)


def _opened(leaf: Any) -> Any:
    if isinstance(leaf, Sealed):
        return leaf.value
    return as_numpy(leaf) if isinstance(leaf, jax.Array) else leaf


def _description(leaf: Any) -> Any:
    if isinstance(leaf, Sealed):
        return leaf.value
    return {"shape": tuple(leaf.shape), "dtype": str(leaf.dtype)}
