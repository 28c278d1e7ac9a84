"""The derivatives of a problem, each as a function of arrays that JAX can compile.

For complex arrays, which need not be holomorphic, the products follow `jax.jvp` and `jax.vjp`: a
tangent is multiplied by the derivative, a cotangent by its transpose, nothing is conjugated. There
are no Jacobians with respect to complex inputs, because one block could not hold them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from runtime_core.errors import GradientFailed
from runtime_core.gradients import argument_check, require_memory
from tesseract_runtime_jax.outputs import sealed
from tesseract_runtime_jax.problem import Arrays, Problem, exchanged

Transform: TypeAlias = Callable[[Problem], Callable[..., Any]]
"""Makes the function that solves a problem; the caller compiles it."""


def outputs(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes all outputs, sealed."""

    def compute(arrays: Arrays) -> Any:
        return sealed(problem.outputs_at(arrays))

    return compute


def reverse_jacobian(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes a block for each output and input, row by row."""
    _refuse_complex(problem.inputs, problem.asked(problem.specs))

    def compute(arrays: Arrays) -> Any:
        near = problem.near(arrays)

        def real(asked: Arrays) -> Any:
            found = near(asked)
            _refuse_complex(problem.outputs, found)
            _refuse_large(asked, found)
            return found

        return jax.jacrev(real)(problem.asked(arrays))

    return compute


def cheaper_jacobian(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes the same by rows or columns, whichever are fewer.

    Complex outputs are computed by columns.
    """
    _refuse_complex(problem.inputs, problem.asked(problem.specs))

    def compute(arrays: Arrays) -> Any:
        near, asked = problem.near(arrays), problem.asked(arrays)
        found = jax.eval_shape(near, asked)
        _refuse_large(asked, found)
        by_columns = _size(asked) <= _size(found) or any(map(jnp.iscomplexobj, found))
        return (jax.jacfwd if by_columns else jax.jacrev)(near)(asked)

    return compute


def jvp(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes the outputs' tangents from those of the inputs."""

    def compute(arrays: Arrays, tangents: Arrays) -> Any:
        asked = problem.asked(arrays)
        fitted = _fitted("tangent", problem.inputs, tangents, asked)
        return jax.jvp(problem.near(arrays), (asked,), (fitted,))[1]

    return compute


def vjp(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes the inputs' cotangents from those of the outputs."""

    def compute(arrays: Arrays, cotangents: Arrays) -> Any:
        found, pullback = jax.vjp(problem.near(arrays), problem.asked(arrays))
        (gradients,) = pullback(_fitted("cotangent", problem.outputs, cotangents, found))
        return gradients

    return compute


def hvp(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes the derivative of `vjp` along tangents of the inputs."""

    def compute(arrays: Arrays, cotangents: Arrays, tangents: Arrays) -> Any:
        near, asked = problem.near(arrays), problem.asked(arrays)

        def gradients(asked: Arrays) -> Any:
            found, pullback = jax.vjp(near, asked)
            return pullback(_fitted("cotangent", problem.outputs, cotangents, found))[0]

        fitted = _fitted("tangent", problem.inputs, tangents, asked)
        return jax.jvp(gradients, (asked,), (fitted,))[1]

    return compute


def linearization(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes all outputs, sealed, and the linear function of `pullback`."""
    everything = _floating(problem)

    def compute(arrays: Arrays) -> Any:
        def function(*floating: Any) -> Any:
            return sealed(problem.outputs_at(exchanged(arrays, everything, floating)))

        return jax.linearize(function, *(arrays[position] for position in everything))

    return compute


def pullback(problem: Problem) -> Callable[..., Any]:
    """Make a function that computes the same as `vjp`, from a linearization at the inputs.

    Other outputs are left out of the linear function before it is transposed. Cotangents of zeros
    for them would not be the same: zero times infinity is not zero.
    """
    everything = _floating(problem)
    specs = [problem.specs[position] for position in everything]

    def compute(linear: Callable[..., Any], cotangents: Arrays) -> Any:
        def asked(*tangents: Any) -> Any:
            return problem.picked(linear(*tangents))

        fitted = _fitted("cotangent", problem.outputs, cotangents, jax.eval_shape(asked, *specs))
        gradients = jax.linear_transpose(asked, *specs)(fitted)
        return [gradients[everything.index(position)] for position in problem.positions]

    return compute


def _batched(product: Transform) -> Transform:
    """Return a product for batches of vectors, at the same arrays."""

    def transform(problem: Problem) -> Callable[..., Any]:
        compute = product(problem)

        def batched(arrays: Arrays, *vectors: Arrays) -> Any:
            axes = (None, *(0 for _ in vectors))
            return jax.vmap(compute, in_axes=axes)(arrays, *vectors)

        return batched

    return transform


# Made once, because compiled derivatives are kept by transform.
jvps = _batched(jvp)
vjps = _batched(vjp)
hvps = _batched(hvp)
pullbacks = _batched(pullback)


def _floating(problem: Problem) -> list[int]:
    return [
        position
        for position, spec in enumerate(problem.specs)
        if jnp.issubdtype(spec.dtype, jnp.inexact)
    ]


def _size(arrays: Arrays) -> int:
    return sum(array.size for array in arrays)


def _refuse_large(asked: Arrays, found: Arrays) -> None:
    size = sum(array.size * array.dtype.itemsize for array in found)
    require_memory(size * _size(asked), "The Jacobian")


def _refuse_complex(paths: Any, arrays: Arrays) -> None:
    for path, array in zip(paths, arrays, strict=True):
        if jnp.issubdtype(array.dtype, jnp.complexfloating):
            raise GradientFailed(
                f"{path!r} is {array.dtype}, and JAX has no Jacobian of complex arrays unless they "
                "are holomorphic. Ask for jacobian_vector_product or vector_jacobian_product."
            )


def _fitted(noun: str, paths: Any, vectors: Arrays, targets: Arrays) -> tuple[Any, ...]:
    """Convert vectors to the data types of their targets, and refuse wrong shapes."""
    return tuple(map(_fit, [noun] * len(paths), paths, vectors, targets))


def _fit(noun: str, path: str, vector: Any, target: Any) -> Any:
    argument_check(noun).of(path).check_shape(vector.shape, target.shape)
    if not np.can_cast(vector.dtype, target.dtype, "same_kind"):
        raise GradientFailed(f"The {noun} of {path!r} is {vector.dtype}, expected {target.dtype}.")
    return vector.astype(target.dtype)
