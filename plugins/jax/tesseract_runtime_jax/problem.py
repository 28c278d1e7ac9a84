"""A differentiation problem: a function near some inputs, as JAX transforms it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.paths import InvalidPath, get_dumped, parse
from tesseract_runtime_jax.outputs import Sealed, is_array
from tesseract_runtime_jax.primals import Primals, Slot, Tree, filled, slotted, spec_of

Arrays = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function of trees of one form, and the paths of its derivative's inputs and outputs.

    `tree` has a slot for each array. `specs` are the shapes and data types of the arrays, and
    `positions` those of the differentiated inputs among them.
    """

    function: Callable[[Tree], Tree]
    tree: Tree
    specs: Sequence[jax.ShapeDtypeStruct]
    inputs: Sequence[str]
    outputs: Sequence[str]
    positions: Sequence[int]

    def outputs_at(self, arrays: Arrays) -> Tree:
        """Compute all outputs."""
        return self.function(filled(self.tree, arrays))

    def asked(self, arrays: Arrays) -> tuple[Any, ...]:
        """Return the arrays to differentiate with respect to."""
        return tuple(arrays[position] for position in self.positions)

    def near(self, arrays: Arrays) -> Callable[[Arrays], tuple[Any, ...]]:
        """Return the selected outputs as a function of the selected inputs, the others fixed."""

        def function(asked: Arrays) -> tuple[Any, ...]:
            return self.picked(self.outputs_at(exchanged(arrays, self.positions, asked)))

        return function

    def picked(self, outputs: Tree) -> tuple[Any, ...]:
        """Return the selected outputs; `GradientFailed` names one that is not differentiable."""
        return tuple(_output_at(outputs, path) for path in self.outputs)


def problem_of(
    function: Callable[[Tree], Tree],
    primals: Primals,
    inputs: Iterable[str],
    outputs: Iterable[str],
) -> Problem:
    """Make a problem; `GradientFailed` names an input that is not differentiable."""
    tree = slotted(primals.tree)
    asked = sorted(inputs)
    return Problem(
        function=function,
        tree=tree,
        specs=tuple(spec_of(array.shape, array.dtype) for array in primals.arrays),
        inputs=asked,
        outputs=sorted(outputs),
        positions=[_position(path, tree, primals.arrays) for path in asked],
    )


def exchanged(arrays: Arrays, positions: Sequence[int], values: Arrays) -> Arrays:
    """Return arrays with others at some positions."""
    exchanged = list(arrays)
    for position, value in zip(positions, values, strict=True):
        exchanged[position] = value
    return exchanged


def _position(path: str, tree: Tree, arrays: Arrays) -> int:
    slot = _found(tree, path)
    if not isinstance(slot, Slot):
        raise GradientFailed(f"The inputs have no array at {path!r}.")
    _refuse_integers(path, arrays[slot.position].dtype)
    return slot.position


def _output_at(outputs: Tree, path: str) -> Any:
    found = _found(outputs, path)
    value = found.value if isinstance(found, Sealed) else found
    if isinstance(value, int | float | complex):  # of a function that is not compiled
        found = jnp.asarray(value)
    if not is_array(found):
        raise GradientFailed(f"apply_jit returned no array at {path!r}.")
    _refuse_integers(path, found.dtype)
    return found


def _found(tree: Tree, path: str) -> Any:
    """Return the value at a path, or `None`."""
    try:
        return get_dumped(tree, parse(path))
    except InvalidPath:
        return None


def _refuse_integers(path: str, dtype: np.dtype[Any]) -> None:
    if not jnp.issubdtype(dtype, jnp.inexact):
        # float0 is JAX's data type for tangents of integers.
        kind = "not an array of floats" if dtype == jax.dtypes.float0 else dtype
        raise GradientFailed(
            f"{path!r} is {kind}. Only arrays of floating point numbers can be differentiated: "
            "declare a float type, or do not mark it as Differentiable."
        )
