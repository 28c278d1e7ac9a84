"""The outputs of a function: arrays, which JAX computes, and static values, which pass through."""

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
    """Seal every output that is not an array."""
    return tree_util.tree_map(lambda leaf: leaf if is_array(leaf) else Sealed(leaf), outputs)


def unsealed(outputs: Tree) -> Tree:
    """Unseal outputs."""
    return tree_util.tree_map(_opened, outputs, is_leaf=_is_sealed)


def described(outputs: Tree) -> Tree:
    """Unseal outputs, and describe arrays by `{"shape", "dtype"}`."""
    return tree_util.tree_map(_description, outputs, is_leaf=_is_sealed)


def is_array(leaf: Any) -> bool:
    """Check for an array of JAX or numpy, or a numpy scalar."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def _is_sealed(node: Any) -> bool:
    return isinstance(node, Sealed)


def _opened(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Sealed) else leaf


def _description(leaf: Any) -> Any:
    if isinstance(leaf, Sealed):
        return leaf.value
    return {"shape": tuple(leaf.shape), "dtype": str(leaf.dtype)}
