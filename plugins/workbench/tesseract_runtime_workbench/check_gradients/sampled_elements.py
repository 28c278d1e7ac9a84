"""The selection of endpoints, arrays and elements to check."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtime_core import Runtime
from runtime_core.arrays import AnyArray
from runtime_core.contracts import Unavailable
from runtime_core.errors import UnknownName, did_you_mean, listed, shortened
from runtime_core.gradients import HVP, SIGNATURES, Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The inputs and outputs to check, and the flat positions in them.

    `columns` are positions in the inputs, `rows` in the outputs. At most `most` elements of any
    array are checked. Of larger outputs half of these are drawn at random; the other half is left
    for the rows where derivatives are largest.
    """

    inputs: Vector
    outputs: Vector
    columns: Mapping[str, AnyArray]
    rows: Mapping[str, AnyArray]
    most: int

    @classmethod
    def drawn(
        cls, inputs: Vector, outputs: Vector, most: int, random: np.random.Generator
    ) -> Selection:
        """Select all elements of small arrays and a sample of large ones."""
        columns = {path: sample(array.size, most, random) for path, array in inputs.items()}
        rows = {
            path: sample(array.size, most if array.size <= most else most // 2, random)
            for path, array in outputs.items()
        }
        return cls(inputs=inputs, outputs=outputs, columns=columns, rows=rows, most=most)

    def of_columns(self, kept: Mapping[str, AnyArray]) -> Selection:
        """Return the selection with some of its columns, by masks."""
        return replace(self, columns={p: at[kept[p]] for p, at in self.columns.items()})


def sample(size: int, most: int, random: np.random.Generator) -> AnyArray:
    """Return all flat positions, or the allowed number at random, in ascending order."""
    if size <= most:
        return np.arange(size)
    return np.sort(random.choice(size, most, replace=False))


def endpoints_of(runtime: Runtime, asked: Collection[str]) -> list[str]:
    """Return the requested gradient endpoints, or else all available ones.

    Raises `UnknownName` for one that does not exist or is not available, and if there is none.
    """
    for name in asked:
        _check_known(name, _known(runtime), f"{shortened(name)!r} is not a gradient endpoint.")
        runtime.bound(name)
    known = _known(runtime)
    found = {name: runtime.endpoint(name) for name in known if name in asked or not asked}
    reasons = {name: end.reason for name, end in found.items() if isinstance(end, Unavailable)}
    if len(reasons) == len(known):
        lines = "".join(f"\n  {name}: {reason}" for name, reason in reasons.items())
        raise UnknownName(f"There are no gradients to check.{lines}")
    return [name for name in found if name not in reasons]


def _known(runtime: Runtime) -> Collection[str]:
    """Return the gradient endpoints of the core, and that of Hessians if a plugin provides it."""
    return [*SIGNATURES, HVP.endpoint] if _has_hessian(runtime) else [*SIGNATURES]


def _has_hessian(runtime: Runtime) -> bool:
    if HVP.endpoint not in runtime.catalog.endpoints.names:
        return False
    endpoint = runtime.endpoint(HVP.endpoint)
    if isinstance(endpoint, Unavailable):
        return True
    # Another plugin may give the name another meaning.
    fields = () if endpoint.payload is None else endpoint.payload.model_fields
    return set(HVP.arguments) <= set(fields)


def arrays_of(side: str, present: Vector, asked: Collection[str]) -> dict[str, AnyArray]:
    """Return the requested differentiable arrays, or else all, without those that are empty.

    `side` is `inputs` or `outputs`. Raises `UnknownName` for a path without such an array, and if
    nothing is left.
    """
    for path in asked:
        problem = f"The {side} have no differentiable array at {shortened(path)!r}."
        _check_known(path, present, problem)
    chosen = asked or present.keys()
    arrays = {path: array for path, array in present.items() if path in chosen and array.size}
    if not arrays:
        raise UnknownName(f"The {side} have no differentiable array with elements to check.")
    return arrays


def _check_known(name: str, valid: Collection[str], problem: str) -> None:
    if name not in valid:
        raise UnknownName(f"{problem}{did_you_mean(name, valid)} Valid: {listed(valid)}.")
