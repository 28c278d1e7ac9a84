"""The gradient backend `derived`: gradients from others that the file defines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from runtime_core.contracts import Binding, Unavailable
from runtime_core.errors import listed
from runtime_core.gradients import HVP, JACOBIAN, JVP, VJP, Vector, size_of, vector_at
from tesseract_runtime_finite_differences.declared_sparsity import declared_sparsity
from tesseract_runtime_finite_differences.derived.batched_product import spread
from tesseract_runtime_finite_differences.derived.functions import (
    Jacobian,
    jacobian_by_rows,
    jacobian_from_jvp,
    jvp_from_jacobian,
    vjp_from_jacobian,
)
from tesseract_runtime_finite_differences.derived.hessian import hvp_from_vjp
from tesseract_runtime_finite_differences.scheme import Scheme
from tesseract_runtime_finite_differences.sparsity import is_sparse

Function = Callable[..., Any]
Paths = Collection[str]


def provide(endpoint: str, binding: Binding) -> Function | Unavailable:
    """Return a function that computes an endpoint, or the reason why it cannot be derived."""
    derive = _DERIVED.get(endpoint)
    if derive is None:
        return Unavailable(f"it derives nothing but {listed(_DERIVED)}.")
    return derive(binding)


def _jacobian(binding: Binding) -> Function | Unavailable:
    jvp, vjp = spread(binding, JVP), spread(binding, VJP)
    if isinstance(vjp, Unavailable):
        if isinstance(jvp, Unavailable):
            return _lacks(binding, f"{JVP.endpoint} or {VJP.endpoint}")
        return _by_columns(binding, jvp)
    return _by_rows(binding, vjp) if isinstance(jvp, Unavailable) else _by_fewer(binding, jvp, vjp)


def _by_columns(binding: Binding, jvp: Function) -> Callable[..., Jacobian]:
    sparsity = declared_sparsity(binding)

    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian column by column, each with one jacobian_vector_product."""
        return jacobian_from_jvp(jvp, inputs, jac_inputs, jac_outputs, sparsity=sparsity)

    return jacobian


def _by_rows(binding: Binding, vjp: Function) -> Function:
    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian row by row, each with one vector_jacobian_product."""
        values = _outputs(binding, inputs, jac_outputs)
        return jacobian_by_rows(vjp, values, inputs, jac_inputs)

    return jacobian


def _by_fewer(binding: Binding, jvp: Function, vjp: Function) -> Function:
    sparsity = declared_sparsity(binding)
    by_columns = _by_columns(binding, jvp)

    def jacobian(inputs: BaseModel, jac_inputs: Paths, jac_outputs: Paths) -> Jacobian:
        """Compute the Jacobian by columns or rows, whichever there are fewer of.

        Each column takes one jacobian_vector_product, each row one vector_jacobian_product. Columns
        that share no row, by the jacobian_sparsity of the file, take one together.
        """
        if is_sparse(sparsity, jac_inputs, jac_outputs):
            return by_columns(inputs, jac_inputs, jac_outputs)
        values = _outputs(binding, inputs, jac_outputs)
        if size_of(vector_at(inputs, jac_inputs)) <= size_of(values):
            return by_columns(inputs, jac_inputs, jac_outputs)
        return jacobian_by_rows(vjp, values, inputs, jac_inputs)

    return jacobian


def _outputs(binding: Binding, inputs: BaseModel, paths: Paths) -> Vector:
    """Evaluate outputs outside any run."""
    with binding.evaluations(inputs) as evaluations:
        return evaluations.submit({}, paths).result()


def _product(multiply: Function, doc: str, binding: Binding) -> Function | Unavailable:
    """Return a function that multiplies the whole Jacobian of the file by a vector."""
    jacobian = binding.api.function(JACOBIAN.endpoint)
    if isinstance(jacobian, Unavailable):
        return _lacks(binding, JACOBIAN.endpoint)

    def product(batch: int | None = None, **keywords: Any) -> Any:
        return multiply(jacobian, **keywords, batch=batch)

    product.__doc__ = doc
    return product


def _hessian(binding: Binding) -> Function | Unavailable:
    vjp = binding.api.function(VJP.endpoint)
    if isinstance(vjp, Unavailable):
        vjp = _vjp(binding)
    if isinstance(vjp, Unavailable):
        return _lacks(binding, f"{VJP.endpoint} or {JACOBIAN.endpoint}")
    eps = binding.config.section("finite_differences").eps

    def product(**keywords: Any) -> Any:
        """Take the central difference of two vector_jacobian_products along the tangent."""
        return hvp_from_vjp(vjp, **keywords, scheme=Scheme(eps=eps))

    return product


def _lacks(binding: Binding, functions: str) -> Unavailable:
    return Unavailable(f"it needs a {functions} in {binding.api.path.name}.")


_vjp = partial(_product, vjp_from_jacobian, "Multiply the cotangent by the whole Jacobian.")

_DERIVED: Mapping[str, Callable[[Binding], Function | Unavailable]] = MappingProxyType(
    {
        JACOBIAN.endpoint: _jacobian,
        JVP.endpoint: partial(
            _product, jvp_from_jacobian, "Multiply the whole Jacobian by the tangent."
        ),
        VJP.endpoint: _vjp,
        HVP.endpoint: _hessian,
    }
)
