"""The gradient backend."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, TypeGuard

import numpy as np

from runtime_core.contracts import Binding, Unavailable
from tesseract_runtime_finite_differences import gradients
from tesseract_runtime_finite_differences.jacobian import Blocks
from tesseract_runtime_finite_differences.points import Arrays
from tesseract_runtime_finite_differences.scheme import Scheme


def provide(endpoint: str, binding: Binding) -> Callable[..., Any] | Unavailable:
    """Return the function of a gradient endpoint by differences of `apply`."""
    function = _FUNCTIONS.get(endpoint)
    if function is None:
        return Unavailable(f"it computes gradients, not {endpoint}.")
    return function(binding)


def _jacobian(binding: Binding) -> Callable[..., Blocks]:

    def jacobian(inputs: Any, jac_inputs: set[str], jac_outputs: set[str]) -> Blocks:
        """Differentiate the outputs by finite differences."""
        with binding.evaluations(inputs) as evaluations:
            scheme = _scheme(binding, jac_outputs)
            return gradients.jacobian(evaluations, inputs, jac_inputs, jac_outputs, scheme)

    return jacobian


def _jacobian_vector_product(binding: Binding) -> Callable[..., Arrays]:

    def jacobian_vector_product(
        inputs: Any, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector: Arrays
    ) -> Arrays:
        """Differentiate the outputs along the tangent by finite differences."""
        with binding.evaluations(inputs) as evaluations:
            scheme = _scheme(binding, jvp_outputs)
            return gradients.jacobian_vector_product(
                evaluations, inputs, jvp_inputs, jvp_outputs, tangent_vector, scheme
            )

    return jacobian_vector_product


def _vector_jacobian_product(binding: Binding) -> Callable[..., Arrays]:

    def vector_jacobian_product(
        inputs: Any, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector: Arrays
    ) -> Arrays:
        """Carry the cotangent back to the inputs by finite differences."""
        with binding.evaluations(inputs) as evaluations:
            scheme = _scheme(binding, vjp_outputs)
            return gradients.vector_jacobian_product(
                evaluations, inputs, vjp_inputs, vjp_outputs, cotangent_vector, scheme
            )

    return vector_jacobian_product


def _scheme(binding: Binding, outputs: set[str]) -> Scheme:
    """Return the options of the backend, for outputs of the declared data types."""
    declared = map(binding.schemas.differentiable_outputs.declared, outputs)
    dtypes = [expected.dtype for expected in declared if expected is not None]
    epsilons = [float(np.finfo(dtype).eps) for dtype in filter(_has_epsilon, dtypes)]
    options = binding.config.section("finite_differences")
    return Scheme(**dict(options), output_epsilon=max(epsilons, default=0.0))


def _has_epsilon(dtype: np.dtype[Any] | None) -> TypeGuard[np.dtype[Any]]:
    return dtype is not None and dtype.kind in "fc"


_FUNCTIONS = MappingProxyType(
    {
        "jacobian": _jacobian,
        "jacobian_vector_product": _jacobian_vector_product,
        "vector_jacobian_product": _vector_jacobian_product,
    }
)
