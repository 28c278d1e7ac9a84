"""The gradient backend `finite-differences`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from runtime_core.contracts import Binding, Unavailable
from runtime_core.gradients import JACOBIAN, JVP, SIGNATURES, VJP, machine_epsilon
from runtime_core.schemas import DifferentiableArrays
from tesseract_runtime_finite_differences import dispatch
from tesseract_runtime_finite_differences.declared_sparsity import declared_sparsity
from tesseract_runtime_finite_differences.scheme import Scheme
from tesseract_runtime_finite_differences.sparsity import Sparsity

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The options of the backend and the declared outputs, for one Tesseract."""

    options: BaseModel
    outputs: DifferentiableArrays

    def scheme(self, outputs: Collection[str], sparsity: Sparsity | None) -> Scheme:
        """Return the scheme for outputs of the declared data types."""
        declared = map(self.outputs.declared, outputs)
        dtypes = [expected.dtype for expected in declared if expected is not None]
        epsilons = [machine_epsilon(dtype) for dtype in dtypes if dtype is not None]
        return Scheme(
            **dict(self.options),
            output_epsilon=max(epsilons, default=0.0),
            sparsity=sparsity,
        )


def open_differences(binding: Binding, settings: Mapping[str, BaseModel]) -> Differences:
    """Read the options."""
    return Differences(
        options=settings["finite_differences"],
        outputs=binding.schemas.differentiable_outputs,
    )


def provide(endpoint: str, binding: Binding, state: Differences) -> Function | Unavailable:
    """Return the function of a gradient endpoint by differences of `apply`.

    An invalid sparsity of the file is an error where it is used.
    """
    compute = _GRADIENTS.get(endpoint)
    if compute is None:
        return Unavailable(f"it computes first derivatives, not {endpoint}.")
    output_paths = SIGNATURES[endpoint].output_paths
    sparsity = declared_sparsity(binding)

    @wraps(compute)  # which keeps the names of its parameters
    def function(inputs: Any, **arguments: Any) -> Any:
        with binding.evaluations(inputs) as evaluations:
            scheme = state.scheme(arguments[output_paths], sparsity)
            return compute(evaluations, inputs, scheme=scheme, **arguments)

    return function


_GRADIENTS: Mapping[str, Function] = MappingProxyType(
    {
        JACOBIAN.endpoint: dispatch.jacobian,
        JVP.endpoint: dispatch.jacobian_vector_product,
        VJP.endpoint: dispatch.vector_jacobian_product,
    }
)
