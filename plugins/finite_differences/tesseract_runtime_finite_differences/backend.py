"""The gradient backend `finite-differences`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

from runtime_core.contracts import Binding, Unavailable
from runtime_core.gradients import JACOBIAN, JVP, SIGNATURES, VJP, machine_epsilon
from tesseract_runtime_finite_differences import dispatch
from tesseract_runtime_finite_differences.declared_sparsity import declared_sparsity
from tesseract_runtime_finite_differences.scheme import Scheme

Function = Callable[..., Any]


def provide(endpoint: str, binding: Binding) -> Function | Unavailable:
    """Return the function of a gradient endpoint by differences of `apply`."""
    compute = _GRADIENTS.get(endpoint)
    if compute is None:
        return Unavailable(f"it computes first derivatives, not {endpoint}.")
    output_paths = SIGNATURES[endpoint].output_paths
    declared_sparsity(binding)  # an invalid one is an error of the file

    @wraps(compute)  # which keeps the names of its parameters
    def function(inputs: Any, **arguments: Any) -> Any:
        with binding.evaluations(inputs) as evaluations:
            scheme = _scheme(binding, arguments[output_paths])
            return compute(evaluations, inputs, scheme=scheme, **arguments)

    return function


def _scheme(binding: Binding, outputs: Collection[str]) -> Scheme:
    """Return the options of the backend, for outputs of the declared data types."""
    declared = map(binding.schemas.differentiable_outputs.declared, outputs)
    dtypes = [expected.dtype for expected in declared if expected is not None]
    epsilons = [machine_epsilon(dtype) for dtype in dtypes if dtype is not None]
    options = binding.config.section("finite_differences")
    return Scheme(
        **dict(options),
        output_epsilon=max(epsilons, default=0.0),
        sparsity=declared_sparsity(binding),
    )


_GRADIENTS: Mapping[str, Function] = MappingProxyType(
    {
        JACOBIAN.endpoint: dispatch.jacobian,
        JVP.endpoint: dispatch.jacobian_vector_product,
        VJP.endpoint: dispatch.vector_jacobian_product,
    }
)
