"""Jacobians and vector-Jacobian products of few evaluations, from a sparsity pattern."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.gradients import Point, Vector, argument_check
from tesseract_runtime_finite_differences.evaluation import (
    base_point,
    difference,
    moved,
    values_at,
    values_at_base,
)
from tesseract_runtime_finite_differences.jacobian import (
    Blocks,
    empty_blocks,
    finished,
    products_like,
)
from tesseract_runtime_finite_differences.pattern_check import PatternCheck, rounding_of
from tesseract_runtime_finite_differences.scheme import Scheme
from tesseract_runtime_finite_differences.sparsity import Compression, Part

_TOLERANCES: Mapping[str, float] = MappingProxyType({"forward": 1e-2, "central": 1e-3})
"""Relative deviations that are left to the curvature of outputs."""


def jacobian(
    evaluations: Evaluations, inputs: Vector, outputs: Collection[str], scheme: Scheme
) -> Blocks:
    """Compute the Jacobian by central or forward differences, all elements of a colour at once."""
    base = values_at_base(evaluations, outputs)
    blocks = empty_blocks(base, inputs)
    for part in _parts(evaluations, inputs, base, scheme):
        part.put(blocks, inputs)
    return finished(blocks)


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Vector, cotangents: Vector, scheme: Scheme
) -> dict[str, AnyArray]:
    """Multiply a batch of cotangents by the Jacobian, of which no block is stored."""
    base = values_at_base(evaluations, sorted(cotangents))
    for path, array in cotangents.items():
        argument_check("cotangent").of(path).check_shape(array.shape[1:], base[path].shape)
    products = products_like(inputs, cotangents)
    flat = {path: array.reshape(len(array), -1) for path, array in products.items()}
    weights = {path: array.reshape(len(array), -1) for path, array in cotangents.items()}
    for part in _parts(evaluations, inputs, base, scheme):
        shares = np.real(weights[part.output][:, part.rows] * part.values)
        np.add.at(flat[part.path].T, part.columns, shares.T)
    return products


def _parts(
    evaluations: Evaluations, inputs: Vector, base: Vector, scheme: Scheme
) -> Iterator[Part]:
    """Yield the derivatives, colour by colour; check the pattern after the last one."""
    compression = Compression.of(scheme.sparsity or {}, inputs, base)
    steps = {path: scheme.steps(path, array) for path, array in inputs.items()}
    sides = (1.0,) if scheme.algorithm == "forward" else (1.0, -1.0)
    direction = _direction(inputs, steps, scheme.seed)
    last = direction if scheme.sparsity_check else None
    total = compression.count * len(sides) + scheme.sparsity_check
    points = _points(inputs, steps, compression, sides, last)
    found = values_at(evaluations, points, sorted(base), total)
    check = PatternCheck(base, _taken(direction, inputs))
    bends = rounding_of(base)
    for colour in range(compression.count):
        upper, above = next(found)
        lower, below = next(found) if len(sides) > 1 else (base_point(), base)
        taken = _taken({**inputs, **upper.changes}, {**inputs, **lower.changes})
        for part in compression.parts(colour, difference(above, below), taken):
            check.add(part)
            yield part
        if len(sides) > 1:
            _add_bends(bends, above, below, base)
    for _, values in found:
        check.compare(difference(values, base), _TOLERANCES[scheme.algorithm], bends)


def _add_bends(bends: dict[str, Any], above: Vector, below: Vector, base: Vector) -> None:
    """Add the second differences, as an estimate of what the first ones leave out."""
    upper, lower = difference(above, base), difference(base, below)
    for path, array in difference(upper, lower).items():
        bends[path] = bends[path] + np.abs(array)


def _points(
    inputs: Vector,
    steps: Vector,
    compression: Compression,
    sides: Collection[float],
    direction: Vector | None,
) -> Iterator[Point]:
    for colour in range(compression.count):
        masks = compression.moved(colour, inputs)
        chosen = {path: mask for path, mask in masks.items() if mask.any()}
        for side in sides:
            changes = {
                path: moved(inputs[path], side * steps[path] * mask)
                for path, mask in chosen.items()
            }
            yield Point(changes=changes, place=f"where {_named(chosen)} are moved together")
    if direction is not None:
        yield Point(changes=direction, place="where all inputs are moved to check the sparsity")


def _named(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{int(mask.sum())} elements of {path!r}" for path, mask in chosen.items())


def _direction(inputs: Vector, steps: Vector, seed: int | None) -> dict[str, AnyArray]:
    """Return inputs that have moved by a half to a whole step each, forwards or backwards."""
    random = np.random.default_rng(seed)
    shares = {
        path: random.uniform(0.5, 1, a.shape) * random.choice([-1.0, 1.0], a.shape)
        for path, a in inputs.items()
    }
    return {path: moved(a, shares[path] * steps[path]) for path, a in inputs.items()}


def _taken(upper: Vector, lower: Vector) -> Vector:
    """Return the steps after rounding, in float64."""
    return {
        path: np.asarray(array, np.float64) - np.asarray(lower[path], np.float64)
        for path, array in upper.items()
    }
