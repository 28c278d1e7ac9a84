"""Functions with which a `tesseract_api.py` computes its endpoints in one line each.

`apply_jit` is a function that JAX can trace, from nested dicts and arrays, as `inputs.model_dump()`
returns them, to nested dicts and arrays. Arrays and numpy scalars are traced; everything else in
the inputs (strings, `None`, Python numbers) is static, so control flow may depend on it. So are
globals that the function reads, as with `jax.jit`.

Derivatives are compiled once per function, form of the inputs (containers, shapes, data types and
static values) and set of paths, and the most recently used ones are kept. Functions are compared by
identity: pass the same one each time, not a new lambda.

Arrays in the results are those of JAX; the runtime converts them when it writes an answer. Nothing
here imports JAX before it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from runtime_core.errors import InvalidOption
from tesseract_runtime_jax.lazy_import import jax_module

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tesseract_runtime_jax.vjp_cache import CacheInfo

    ApplyJit = Callable[[dict[str, Any]], Any]


def jax_apply(apply_jit: ApplyJit, inputs: BaseModel) -> dict[str, Any]:
    """Run `apply_jit` without compiling it, and return its outputs unchanged.

    With the VJP cache on (`set_jax_vjp_cache_size`), a compiled linearization runs instead and is
    kept, so that `jax_vjp` at the same inputs need not repeat the forward pass.
    """
    outputs: dict[str, Any] = jax_module("derivatives").apply(apply_jit, inputs)
    return outputs


def jax_jacobian(
    apply_jit: ApplyJit,
    inputs: BaseModel,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
) -> dict[str, dict[str, Any]]:
    """Compute the Jacobian by `jax.jacrev`.

    Returns `{output: {input: block}}`, blocks of shape `(*output.shape, *input.shape)`. Raises
    `GradientFailed` for paths without an array of real floating point numbers.
    """
    transform = jax_module("transforms").reverse_jacobian
    blocks: dict[str, dict[str, Any]] = jax_module("derivatives").jacobian(
        transform, apply_jit, inputs, jac_inputs, jac_outputs
    )
    return blocks


def jax_jvp(
    apply_jit: ApplyJit,
    inputs: BaseModel,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the Jacobian-vector product by `jax.jvp`, of a whole batch by `jax.vmap`.

    Returns `{output: tangent}`, with the leading axis of a `batch` of tangents. Raises
    `GradientFailed` for paths without an array of floating point numbers, and for a tangent that
    does not fit its input.
    """
    tangents: dict[str, Any] = jax_module("derivatives").jvp(
        apply_jit, inputs, jvp_inputs, jvp_outputs, tangent_vector, batch
    )
    return tangents


def jax_vjp(
    apply_jit: ApplyJit,
    inputs: BaseModel,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the vector-Jacobian product by `jax.vjp`, of a whole batch by `jax.vmap`.

    Returns `{input: cotangent}`, with the leading axis of a `batch` of cotangents. If `jax_apply`
    has kept a linearization at the same inputs, the forward pass is skipped. Complex arrays follow
    JAX: nothing is conjugated. Raises `GradientFailed` for paths without an array of floating point
    numbers, and for a cotangent that does not fit its output.
    """
    cotangents: dict[str, Any] = jax_module("derivatives").vjp(
        apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector, batch
    )
    return cotangents


def jax_hvp(
    apply_jit: ApplyJit,
    inputs: BaseModel,
    hvp_inputs: Collection[str],
    hvp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    tangent_vector: Mapping[str, Any],
    batch: int | None = None,
) -> dict[str, Any]:
    """Compute the Hessian-vector product, `jax.jvp` over `jax.vjp`, of a batch by `jax.vmap`.

    Returns `{input: array}`: the derivative along the tangent of what `jax_vjp` returns for the
    cotangent. Raises `GradientFailed` as `jax_jvp` and `jax_vjp` do.
    """
    products: dict[str, Any] = jax_module("derivatives").hvp(
        apply_jit, inputs, hvp_inputs, hvp_outputs, cotangent_vector, tangent_vector, batch
    )
    return products


def jax_abstract_eval(apply_jit: ApplyJit, abstract_inputs: BaseModel) -> dict[str, Any]:
    """Compute the outputs from abstract inputs, with `{"shape": ..., "dtype": ...}` for arrays."""
    outputs: dict[str, Any] = jax_module("derivatives").abstract_eval(apply_jit, abstract_inputs)
    return outputs


def set_jax_vjp_cache_size(size: int) -> None:
    """Set the number of `jax_apply` calls that the VJP cache holds, and empty it; 0 disables it.

    The cache, off by default, lets `jax_vjp` after `jax_apply` at the same inputs skip the forward
    pass. That pays off when the forward pass takes longer than comparing the inputs byte by byte;
    small models become slower. Each slot holds the inputs and residuals of one call. Raises
    `InvalidOption` unless `size` is a non-negative integer.

    Example:
        >>> set_jax_vjp_cache_size(1)
        >>> jax_vjp_cache_info()
        CacheInfo(hits=0, misses=0, entries=0, size=1)
        >>> set_jax_vjp_cache_size(0)
    """
    if type(size) is not int or size < 0:
        raise InvalidOption(f"The VJP cache cannot have the size {size!r}: give 0 or more slots.")
    from tesseract_runtime_jax.vjp_cache import LINEARIZED  # it loads numpy

    LINEARIZED.resize(entries=size)


def jax_vjp_cache_info() -> CacheInfo:
    """Return the hits and misses of the VJP cache since its size was set."""
    from tesseract_runtime_jax.vjp_cache import cache_info  # it loads numpy

    return cache_info()
