"""The functions of the gradient backend `jax`, with the signatures that an author would give them.

They compute the same as those of `functions`; a Jacobian goes by rows or columns, whichever are
fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core.contracts import Binding
from runtime_core.errors import AuthorError, TesseractRuntimeError
from runtime_core.gradients import JACOBIAN, JVP, VJP, Vector
from runtime_core.schemas import DifferentiableArrays
from tesseract_runtime_jax import derivatives, transforms
from tesseract_runtime_jax.backend import FUNCTION
from tesseract_runtime_jax.x64 import warn_of_doubles

Function = Callable[..., Any]


def endpoint_function(endpoint: str, binding: Binding) -> Function:
    """Return the function of an endpoint; warn once if the file needs 64 bits that are off."""
    warn_of_doubles(binding.api.input_schema, binding.api.output_schema)
    function = getattr(binding.api.module, FUNCTION)
    return _authored(_FUNCTIONS[endpoint](function, binding))


def _authored(function: Function) -> Function:
    """Mark the exceptions of a function as the author's, as if the file defined it."""

    @wraps(function)
    def authored(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (KeyboardInterrupt, TesseractRuntimeError):
            raise
        # Tracing runs the author's code, which may raise anything; JAX's own errors are about it.
        except BaseException as error:
            raise AuthorError from error

    return authored


def _jacobian(function: Function, binding: Binding) -> Function:
    declared = binding.schemas.differentiable_outputs

    def jacobian(inputs: BaseModel, jac_inputs: set[str], jac_outputs: set[str]) -> Any:
        """Compute the Jacobian of apply_jit by JAX."""
        blocks = derivatives.jacobian(
            transforms.cheaper_jacobian, function, inputs, jac_inputs, jac_outputs
        )
        return {
            path: {name: _declared(declared, path, block) for name, block in row.items()}
            for path, row in blocks.items()
        }

    return jacobian


def _jvp(function: Function, binding: Binding) -> Function:
    declared = binding.schemas.differentiable_outputs

    def jacobian_vector_product(
        inputs: BaseModel, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector: Vector
    ) -> Any:
        """Compute the Jacobian-vector product of apply_jit by JAX."""
        found = derivatives.jvp(function, inputs, jvp_inputs, jvp_outputs, tangent_vector)
        return {path: _declared(declared, path, array) for path, array in found.items()}

    return jacobian_vector_product


def _vjp(function: Function, binding: Binding) -> Function:
    declared = binding.schemas.differentiable_inputs

    def vector_jacobian_product(
        inputs: BaseModel, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector: Vector
    ) -> Any:
        """Compute the vector-Jacobian product of apply_jit by JAX."""
        found = derivatives.vjp(function, inputs, vjp_inputs, vjp_outputs, cotangent_vector)
        return {path: _declared(declared, path, array) for path, array in found.items()}

    return vector_jacobian_product


def _abstract_eval(function: Function, binding: Binding) -> Function:
    def abstract_eval(abstract_inputs: BaseModel) -> Any:
        """Compute shapes and data types of the outputs of apply_jit by JAX."""
        return derivatives.abstract_eval(function, abstract_inputs)

    return abstract_eval


def _declared(arrays: DifferentiableArrays, path: str, array: np.ndarray[Any, Any]) -> Any:
    """Convert an array to the data type of its field, which JAX may have narrowed."""
    declared = arrays.declared(path)
    if declared is None or declared.dtype is None or declared.dtype.kind != array.dtype.kind:
        return array
    return array.astype(declared.dtype, copy=False)


_FUNCTIONS: Mapping[str, Callable[[Function, Binding], Function]] = MappingProxyType(
    {
        "abstract_eval": _abstract_eval,
        JACOBIAN.endpoint: _jacobian,
        JVP.endpoint: _jvp,
        VJP.endpoint: _vjp,
    }
)
