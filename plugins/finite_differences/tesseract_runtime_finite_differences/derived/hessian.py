"""Hessian-vector products: central differences of a vector-Jacobian product along the tangent."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from runtime_core.arrays import AnyArray
from runtime_core.gradients import VJP, SerialEvaluations, Vector
from runtime_core.paths import Key, render
from tesseract_runtime_finite_differences import dispatch
from tesseract_runtime_finite_differences.derived.gradient_function import GradientFunction
from tesseract_runtime_finite_differences.scheme import Scheme


def hvp_from_vjp(
    vjp_fn: Callable[..., Any],
    inputs: Any,
    hvp_inputs: Collection[str],
    hvp_outputs: Collection[str],
    cotangent_vector: Vector,
    tangent_vector: Vector,
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Compute the derivative along the tangent of what `vjp_fn` returns for the cotangent.

    It takes two calls of `vjp_fn`; the error is that of a derivative by central differences.
    """

    def gradient(moved: Any) -> Vector:
        vjp = GradientFunction(vjp_fn, VJP, moved, hvp_inputs, hvp_outputs)
        return vjp.product(cotangent_vector)

    # Results of `vjp_fn` are dicts whose keys are whole paths.
    keys = {render((Key(path),)): path for path in hvp_inputs}
    found = dispatch.jacobian_vector_product(
        SerialEvaluations(gradient, inputs), inputs, hvp_inputs, keys, tangent_vector, scheme
    )
    return {keys[key]: array for key, array in found.items()}
