"""The selection: which endpoints, arrays and elements are checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from runtime_core import Runtime
from runtime_core.arrays import AnyArray
from runtime_core.contracts import Unavailable
from runtime_core.errors import UnknownName, did_you_mean, listed, shortened
from runtime_core.gradients import SIGNATURES, Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The arrays on both sides of a derivative, and the flat positions to check in them.

    `columns` are those of the inputs, `rows` those of the outputs. No more than `most` elements of
    any array are checked; of outputs that have more, half of these are drawn at random, and half
    are left for where the derivatives turn out to be largest.
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
        """Return all elements of small arrays and a sample of large ones."""
        sizes = {path: array.size for path, array in outputs.items()}
        halves = {path: most if size <= most else most // 2 for path, size in sizes.items()}
        columns = {path: sample(array.size, most, random) for path, array in inputs.items()}
        rows = {path: sample(sizes[path], half, random) for path, half in halves.items()}
        return cls(inputs=inputs, outputs=outputs, columns=columns, rows=rows, most=most)


def sample(size: int, most: int, random: np.random.Generator) -> AnyArray:
    """Return flat positions in ascending order: all, or as many as allowed, drawn at random."""
    if size <= most:
        return np.arange(size)
    return np.sort(random.choice(size, most, replace=False))


def endpoints_of(runtime: Runtime, asked: Collection[str]) -> list[str]:
    """Return the gradient endpoints to check: those asked for, or else all available ones.

    Raises `UnknownName` for one that does not exist or cannot be served, and when there is none.
    """
    for name in asked:
        if name not in SIGNATURES:
            raise UnknownName(
                f"{shortened(name)!r} is no endpoint with gradients."
                f"{did_you_mean(name, SIGNATURES)} Valid: {listed(SIGNATURES)}."
            )
        runtime.bound(name)
    found = {name: runtime.endpoint(name) for name in SIGNATURES if name in asked or not asked}
    reasons = {name: end.reason for name, end in found.items() if isinstance(end, Unavailable)}
    if len(reasons) == len(SIGNATURES):
        lines = "".join(f"\n  {name}: {reason}" for name, reason in reasons.items())
        raise UnknownName(f"There are no gradients to check.{lines}")
    return [name for name in found if name not in reasons]


def arrays_of(side: str, present: Vector, asked: Collection[str]) -> dict[str, AnyArray]:
    """Return the differentiable arrays to check: those asked for, or else all that have elements.

    `side` is `inputs` or `outputs`. Raises `UnknownName` for a path at which there is none, and
    when nothing is left.
    """
    for path in asked:
        if path not in present:
            raise UnknownName(
                f"The {side} have no differentiable array at {shortened(path)!r}."
                f"{did_you_mean(path, present)} Valid: {listed(present)}."
            )
    chosen = {path: present[path] for path in present if path in asked or not asked}
    arrays = {path: array for path, array in chosen.items() if array.size}
    if not arrays:
        raise UnknownName(f"The {side} have no differentiable array with elements to check.")
    return arrays
