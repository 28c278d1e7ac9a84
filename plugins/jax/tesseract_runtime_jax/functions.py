"""The functions that a `tesseract_api.py` computes its endpoints with, one line each.

`apply_jit` is always a function of nested dicts and arrays, as `inputs.model_dump()` returns them,
to nested dicts and arrays, which JAX can trace. Arrays and numpy scalars are traced; everything
else in the inputs (strings, `None`, Python numbers) is fixed when it is, so that control flow may
depend on it. So is whatever else the function reads, as with `jax.jit`.

Derivatives are compiled once for each function, form of the inputs (containers, shapes, data types
and fixed values) and set of paths. Those that were used last are kept. The function itself is known
by its identity: pass the same one each time, not a new lambda.

Nothing here imports JAX before it is called.
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
    """Run `apply_jit`.

    It is called as it is, without compiling it. With the VJP cache on
    (`set_jax_vjp_cache_size`), a compiled linearization of it runs in its place and is kept, so
    that `jax_vjp` at the same inputs need not run it again.

    Returns what `apply_jit` returns, with numpy arrays for those of JAX.
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

    Raises `GradientFailed` for paths that lead to no array of real floating point numbers.

    Returns `{output: {input: block}}`, blocks of shape `(*output.shape, *input.shape)`.
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
) -> dict[str, Any]:
    """Compute the Jacobian-vector product by `jax.jvp`.

    Raises `GradientFailed` for paths that lead to no array of floating point numbers, and for a
    tangent that does not fit its input. Returns
    `{output: tangent}`.
    """
    tangents: dict[str, Any] = jax_module("derivatives").jvp(
        apply_jit, inputs, jvp_inputs, jvp_outputs, tangent_vector
    )
    return tangents


def jax_vjp(
    apply_jit: ApplyJit,
    inputs: BaseModel,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
) -> dict[str, Any]:
    """Compute the vector-Jacobian product by `jax.vjp`.

    Where `jax_apply` has left a linearization at the same inputs, the forward pass is skipped.
    Complex arrays follow JAX: nothing is conjugated. Raises `GradientFailed` for paths that lead
    to no array of floating point numbers, and for a cotangent that does not fit its output.

    Returns `{input: cotangent}`.
    """
    cotangents: dict[str, Any] = jax_module("derivatives").vjp(
        apply_jit, inputs, vjp_inputs, vjp_outputs, cotangent_vector
    )
    return cotangents


def jax_abstract_eval(apply_jit: ApplyJit, abstract_inputs: BaseModel) -> dict[str, Any]:
    """Compute the form of the outputs from that of the inputs, without computing anything else.

    Returns what `apply_jit` returns, with `{"shape": ..., "dtype": ...}` for arrays.
    """
    outputs: dict[str, Any] = jax_module("derivatives").abstract_eval(apply_jit, abstract_inputs)
    return outputs


def set_jax_vjp_cache_size(size: int) -> None:
    """Set how many calls of `jax_apply` the VJP cache holds, and empty it; 0 switches it off.

    The cache is off at first. It makes `jax_vjp` after `jax_apply` at the same inputs skip the
    forward pass. That is worth it for models whose forward pass takes longer than comparing their
    inputs byte by byte; small ones become slower. Each slot holds the inputs and the residuals of
    one call of `jax_apply`. Raises `InvalidOption` for anything but a whole number from 0.

    Example:
        >>> set_jax_vjp_cache_size(1)
        >>> jax_vjp_cache_info()
        CacheInfo(hits=0, misses=0, entries=0, size=1)
        >>> set_jax_vjp_cache_size(0)
    """
    if type(size) is not int or size < 0:
        raise InvalidOption(f"The VJP cache cannot have the size {size!r}: give 0 or more slots.")
    from tesseract_runtime_jax.vjp_cache import LINEARIZED  # it loads numpy

    LINEARIZED.resize(size)


def jax_vjp_cache_info() -> CacheInfo:
    """Return the hits and misses of `jax_vjp` in the VJP cache since its size was set."""
    from tesseract_runtime_jax.vjp_cache import LINEARIZED  # it loads numpy

    return LINEARIZED.info
