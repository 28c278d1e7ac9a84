"""The same derivatives in JAX alone, to compare ours with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from runtime_core.paths import get, parse, replace
from tests.jax_recipes.functions import Function

Tree = dict[str, Any]


class PlainJax:
    """Derivatives of outputs by inputs, at some inputs, as functions of arrays.

    Everything in the inputs that is an array is an argument; the rest is fixed.
    """

    def __init__(
        self, function: Function, inputs: Tree, by: Sequence[str], of: Sequence[str]
    ) -> None:
        self.function = function
        self.leaves, self.structure = jax.tree_util.tree_flatten(inputs)
        self.by = sorted(by)
        self.of = sorted(of)

    @property
    def arrays(self) -> dict[int, Any]:
        """Return the arrays of the inputs by their positions."""
        arrays = (np.ndarray, np.generic)
        return {i: leaf for i, leaf in enumerate(self.leaves) if isinstance(leaf, arrays)}

    @property
    def asked(self) -> dict[str, Any]:
        """Return the selected inputs."""
        return {path: get(self._tree(self.arrays), parse(path)) for path in self.by}

    @property
    def outputs(self) -> dict[str, Any]:
        """Return the selected outputs."""
        found: dict[str, Any] = self._near(self.arrays)(self.asked)
        return found

    def jacobian(self, arrays: dict[int, Any], asked: dict[str, Any]) -> Any:
        """Return the Jacobian by rows."""
        return jax.jacrev(self._near(arrays))(asked)

    def jacobian_by_columns(self, arrays: dict[int, Any], asked: dict[str, Any]) -> Any:
        """Return the Jacobian by columns."""
        return jax.jacfwd(self._near(arrays))(asked)

    def jvp(self, arrays: dict[int, Any], asked: dict[str, Any], tangents: Any) -> Any:
        """Return the tangents of the outputs."""
        return jax.jvp(self._near(arrays), (asked,), (tangents,))[1]

    def vjp(self, arrays: dict[int, Any], asked: dict[str, Any], cotangents: Any) -> Any:
        """Return the cotangents of the inputs."""
        return jax.vjp(self._near(arrays), asked)[1](cotangents)[0]

    def _tree(self, arrays: dict[int, Any]) -> Tree:
        leaves = [arrays.get(i, leaf) for i, leaf in enumerate(self.leaves)]
        tree: Tree = jax.tree_util.tree_unflatten(self.structure, leaves)
        return tree

    def _near(self, arrays: dict[int, Any]) -> Any:
        def function(asked: dict[str, Any]) -> dict[str, Any]:
            changes = {parse(path): array for path, array in asked.items()}
            outputs = self.function(replace(self._tree(arrays), changes))
            return {path: get(outputs, parse(path)) for path in self.of}

        return function
