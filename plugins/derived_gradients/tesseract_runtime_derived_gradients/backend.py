"""The gradient backend `derived`: each gradient of the others that the file itself defines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import listed
from tesseract_runtime_derived_gradients.jacobian import (
    Jacobian,
    jacobian_by_rows,
    jacobian_from_jvp,
)
from tesseract_runtime_derived_gradients.products import jvp_from_jacobian, vjp_from_jacobian
from tesseract_runtime_derived_gradients.vectors import Vector, size_of, vector_at

Function = Callable[..., Any]
Paths = Collection[str]

JACOBIAN = "jacobian"
JVP = "jacobian_vector_product"
VJP = "vector_jacobian_product"


def provide(endpoint: str, binding: Binding) -> Function | Unavailable:
    """Return a function that computes an endpoint, or the reason why there can be none."""
    derive = _DERIVED.get(endpoint)
    if derive is None:
        return Unavailable(f"it derives nothing but {listed(_DERIVED)}.")
    return derive(binding)


def _jacobian(binding: Binding) -> Function | Unavailable:
    jvp, vjp = binding.api.function(JVP), binding.api.function(VJP)
    if isinstance(jvp, Unavailable) and isinstance(vjp, Unavailable):
        return _lacks(binding, f"{JVP} or {VJP}")
    if isinstance(vjp, Unavailable):
        assert not isinstance(jvp, Unavailable)
        return _by_columns(jvp)
    if isinstance(jvp, Unavailable):
        return _by_rows(binding, vjp)
    return _by_fewer(binding, jvp, vjp)


def _by_columns(jvp: Function) -> Function:
    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian column by column, each with one jacobian_vector_product."""
        return jacobian_from_jvp(jvp, inputs, jac_inputs, jac_outputs)

    return jacobian


def _by_rows(binding: Binding, vjp: Function) -> Function:
    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian row by row, each with one vector_jacobian_product."""
        values = _evaluated(binding, inputs, jac_outputs)
        return jacobian_by_rows(vjp, values, inputs, jac_inputs)

    return jacobian


def _by_fewer(binding: Binding, jvp: Function, vjp: Function) -> Function:
    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian by columns or rows, whichever there are fewer of.

        Each column takes one jacobian_vector_product, each row one vector_jacobian_product.
        """
        values = _evaluated(binding, inputs, jac_outputs)
        if size_of(vector_at(inputs, jac_inputs)) <= size_of(values):
            return jacobian_from_jvp(jvp, inputs, jac_inputs, jac_outputs)
        return jacobian_by_rows(vjp, values, inputs, jac_inputs)

    return jacobian


def _jvp(binding: Binding) -> Function | Unavailable:
    jacobian = binding.api.function(JACOBIAN)
    if isinstance(jacobian, Unavailable):
        return _lacks(binding, JACOBIAN)

    def jacobian_vector_product(
        inputs: BaseModel,
        jvp_inputs: Paths,
        jvp_outputs: Paths,
        tangent_vector: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Multiply the whole Jacobian by the tangent."""
        return jvp_from_jacobian(jacobian, inputs, jvp_inputs, jvp_outputs, tangent_vector)

    return jacobian_vector_product


def _vjp(binding: Binding) -> Function | Unavailable:
    jacobian = binding.api.function(JACOBIAN)
    if isinstance(jacobian, Unavailable):
        return _lacks(binding, JACOBIAN)

    def vector_jacobian_product(
        inputs: BaseModel,
        vjp_inputs: Paths,
        vjp_outputs: Paths,
        cotangent_vector: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Multiply the cotangent by the whole Jacobian."""
        return vjp_from_jacobian(jacobian, inputs, vjp_inputs, vjp_outputs, cotangent_vector)

    return vector_jacobian_product


def _evaluated(binding: Binding, inputs: BaseModel, outputs: Paths) -> Vector:
    """Return outputs as they are served; what `apply` logs meanwhile belongs to no run."""
    with binding.evaluations(inputs) as evaluations:
        return evaluations.submit({}, outputs).result()


def _lacks(binding: Binding, functions: str) -> Unavailable:
    return Unavailable(f"it needs a {functions} in {binding.api.path.name}.")


_DERIVED: Mapping[str, Callable[[Binding], Function | Unavailable]] = MappingProxyType(
    {JACOBIAN: _jacobian, JVP: _jvp, VJP: _vjp}
)
