"""A differentiation problem: a function near some inputs, as JAX transforms it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.paths import Field, InvalidPath, get, parse
from tesseract_runtime_jax.outputs import Sealed, is_array
from tesseract_runtime_jax.primals import Primals, Slot, Tree, filled, slotted, spec_of

Arrays = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function of trees of one form, and the paths of what is asked of its derivative.

    `tree` has a slot for each array; all else in it is fixed. `specs` are shape and data type of
    the arrays, and `positions` those of the inputs among them.
    """

    function: Callable[[Tree], Tree]
    tree: Tree
    specs: Sequence[jax.ShapeDtypeStruct]
    inputs: Sequence[str]
    outputs: Sequence[str]
    positions: Sequence[int]

    def outputs_at(self, arrays: Arrays) -> Tree:
        """Return all outputs at some arrays."""
        return self.function(filled(self.tree, arrays))

    def asked(self, arrays: Arrays) -> tuple[Any, ...]:
        """Return those arrays by which the derivative is asked for."""
        return tuple(arrays[position] for position in self.positions)

    def near(self, arrays: Arrays) -> Callable[[Arrays], tuple[Any, ...]]:
        """Return the outputs asked for as a function of the inputs asked for.

        All other inputs are held at their values.
        """

        def function(asked: Arrays) -> tuple[Any, ...]:
            varied = list(arrays)
            for position, array in zip(self.positions, asked, strict=True):
                varied[position] = array
            return self.picked(self.outputs_at(varied))

        return function

    def picked(self, outputs: Tree) -> tuple[Any, ...]:
        """Return the outputs asked for; `GradientFailed` names one that cannot be derived."""
        return tuple(_derivable(path, _at(outputs, path)) for path in self.outputs)


def problem_of(
    function: Callable[[Tree], Tree],
    primals: Primals,
    inputs: Iterable[str],
    outputs: Iterable[str],
) -> Problem:
    """Return a problem; `GradientFailed` names an input by which nothing can be derived."""
    tree = slotted(primals.tree)
    asked = sorted(inputs)
    return Problem(
        function=function,
        tree=tree,
        specs=tuple(_spec(array) for array in primals.arrays),
        inputs=asked,
        outputs=sorted(outputs),
        positions=[_position(path, tree, primals.arrays) for path in asked],
    )


def _spec(array: Any) -> jax.ShapeDtypeStruct:
    return spec_of(array.shape, array.dtype)


def _position(path: str, tree: Tree, arrays: Arrays) -> int:
    slot = _found(tree, path)
    if not isinstance(slot, Slot):
        raise GradientFailed(f"The inputs have no array at {path!r}.")
    _refuse_integers(path, arrays[slot.position].dtype)
    return slot.position


def _at(outputs: Tree, path: str) -> Any:
    found = _found(outputs, path)
    value = found.value if isinstance(found, Sealed) else found
    if isinstance(value, int | float | complex):  # of a function that is not compiled as a whole
        found = jnp.asarray(value)
    if not is_array(found):
        raise GradientFailed(f"apply_jit returned no array at {path!r}.")
    return found


def _found(tree: Tree, path: str) -> Any:
    """Return the value at a path, or `None`."""
    for step in parse(path):
        try:
            tree = get(tree, (step,))
        except InvalidPath:
            if step != Field("root"):  # a RootModel has it in its paths, but not in its dump
                return None
    return tree


def _derivable(path: str, array: Any) -> Any:
    _refuse_integers(path, array.dtype)
    return array


def _refuse_integers(path: str, dtype: np.dtype[Any]) -> None:
    if not jnp.issubdtype(dtype, jnp.inexact):
        # The tangent of integers tells no more of them than that they have none.
        kind = "no array of floats" if dtype == jax.dtypes.float0 else dtype
        raise GradientFailed(
            f"{path!r} is {kind}. Only arrays of floating point numbers can be differentiated: "
            "declare a float type, or do not mark it as Differentiable."
        )
