"""The derivatives: from inputs and paths to JAX arrays by path."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from pydantic import BaseModel

from runtime_core.errors import GradientFailed
from runtime_core.gradients import HVP, JVP, VJP, Vector
from tesseract_runtime_jax import transforms
from tesseract_runtime_jax.compiled_cache import identity
from tesseract_runtime_jax.jit_cache import compiled
from tesseract_runtime_jax.outputs import described, unsealed
from tesseract_runtime_jax.primals import (
    Primals,
    Tree,
    abstract_tree,
    primals_of,
    taken_apart,
    tree_of,
)
from tesseract_runtime_jax.vjp_cache import (
    LINEARIZED,
    Linearized,
    Point,
    contents_of,
    keep_linearized,
    linearized_at,
    owned,
)

Function = Callable[..., Any]
Paths = Collection[str]


def apply(function: Function, inputs: BaseModel) -> Tree:
    """Compute the outputs, and keep a linearization if the VJP cache is on."""
    if LINEARIZED.entries:
        with suppress(Exception):  # not every function that JAX runs can be linearized
            return _linearized(function, primals_of(inputs))
    return function(tree_of(inputs))


def jacobian(
    transform: transforms.Transform,
    function: Function,
    inputs: BaseModel,
    jac_inputs: Paths,
    jac_outputs: Paths,
) -> dict[str, dict[str, Any]]:
    """Compute a block for each output and input."""
    primals = primals_of(inputs)
    ready = compiled(transform, function, primals, jac_inputs, jac_outputs)
    rows = ready.run(primals.arrays)
    return {
        path: dict(zip(ready.problem.inputs, row, strict=True))
        for path, row in zip(ready.problem.outputs, rows, strict=True)
    }


def jvp(
    function: Function,
    inputs: BaseModel,
    jvp_inputs: Paths,
    jvp_outputs: Paths,
    tangent_vector: Vector,
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the tangents of outputs from those of inputs."""
    primals = primals_of(inputs)
    transform = transforms.jvp if batch is None else transforms.jvps
    ready = compiled(transform, function, primals, jvp_inputs, jvp_outputs)
    vectors = _in_order(JVP.tangent, ready.problem.inputs, tangent_vector)
    return dict(zip(ready.problem.outputs, ready.run(primals.arrays, vectors), strict=True))


def vjp(
    function: Function,
    inputs: BaseModel,
    vjp_inputs: Paths,
    vjp_outputs: Paths,
    cotangent_vector: Vector,
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the cotangents of inputs from those of outputs."""
    primals = primals_of(inputs)
    kept = linearized_at(_point(function, primals)) if LINEARIZED.entries else None
    transform = _VJPS[kept is None, batch is None]
    ready = compiled(transform, function, primals, vjp_inputs, vjp_outputs)
    vectors = _in_order(VJP.cotangent, ready.problem.outputs, cotangent_vector)
    gradients = ready.run(primals.arrays if kept is None else kept.linear, vectors)
    return dict(zip(ready.problem.inputs, gradients, strict=True))


_VJPS: Mapping[tuple[bool, bool], transforms.Transform] = MappingProxyType(
    {
        (True, True): transforms.vjp,
        (True, False): transforms.vjps,
        (False, True): transforms.pullback,
        (False, False): transforms.pullbacks,
    }
)
"""The transforms without a linearization and without a batch, and those with either."""


def hvp(
    function: Function,
    inputs: BaseModel,
    hvp_inputs: Paths,
    hvp_outputs: Paths,
    cotangent_vector: Vector,
    tangent_vector: Vector,
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the derivatives of the inputs' cotangents along the tangent."""
    primals = primals_of(inputs)
    transform = transforms.hvp if batch is None else transforms.hvps
    ready = compiled(transform, function, primals, hvp_inputs, hvp_outputs)
    cotangents = _in_order(HVP.cotangent, ready.problem.outputs, cotangent_vector)
    tangents = _in_order(HVP.tangent, ready.problem.inputs, tangent_vector)
    found = ready.run(primals.arrays, cotangents, tangents)
    return dict(zip(ready.problem.inputs, found, strict=True))


def abstract_eval(function: Function, abstract_inputs: BaseModel) -> Tree:
    """Compute the outputs with shape and data type in place of arrays."""
    primals = taken_apart(abstract_tree(abstract_inputs, abstract_inputs.model_dump()))
    ready = compiled(transforms.outputs, function, primals)
    return described(jax.eval_shape(ready.run, primals.arrays))


def _linearized(function: Function, primals: Primals) -> Tree:
    point = _point(function, primals)
    arrays = tuple(map(owned, primals.arrays, point.contents))
    sealed, linear = compiled(transforms.linearization, function, primals).run(arrays)
    outputs = unsealed(sealed)
    keep_linearized(point, Linearized(function=function, linear=linear))
    return outputs


def _point(function: Function, primals: Primals) -> Point:
    return Point(
        form=(identity(function), primals.form),
        contents=tuple(map(contents_of, primals.arrays)),
    )


def _in_order(name: str, paths: Sequence[str], vector: Vector) -> tuple[Any, ...]:
    missing = [path for path in paths if path not in vector]
    if missing:
        raise GradientFailed(f"{name} has no array for {missing[0]!r}.")
    return tuple(np.asarray(vector[path]) for path in paths)
