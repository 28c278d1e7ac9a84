"""The functions of the gradient backend `jax`, with the arguments of an author's functions.

They compute the same as those of `functions`, except that a Jacobian is computed by rows or by
columns, whichever are fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import MappingProxyType
from typing import Any

import numpy as np
from jax import tree_util

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Binding
from runtime_core.errors import TesseractRuntimeError
from runtime_core.gradients import HVP, JACOBIAN, JVP, VJP
from runtime_core.schemas import DifferentiableArrays
from runtime_core.tesseract import mark_author_errors
from tesseract_runtime_jax import derivatives, transforms
from tesseract_runtime_jax.x64 import warn_of_doubles

Function = Callable[..., Any]


def endpoint_function(endpoint: str, binding: Binding, body: Function) -> Function:
    """Return the function of an endpoint; warn once if the file needs 64 bits that are off.

    Tracing runs the author's code, so every exception but the runtime's own counts as the author's.
    """
    warn_of_doubles(binding.api.input_schema, binding.api.output_schema)
    derivative, *arguments = _FUNCTIONS[endpoint]
    compute: Function = partial(derivative, *arguments, body)
    compute.__doc__ = derivative.__doc__
    if endpoint != "abstract_eval":
        schemas = binding.schemas
        by_inputs = endpoint in (VJP.endpoint, HVP.endpoint)  # the outermost keys of the result
        arrays = schemas.differentiable_inputs if by_inputs else schemas.differentiable_outputs
        compute = _in_declared_dtypes(compute, arrays)
    return mark_author_errors(compute, passing=TesseractRuntimeError)


_FUNCTIONS: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "abstract_eval": (derivatives.abstract_eval,),
        JACOBIAN.endpoint: (derivatives.jacobian, transforms.cheaper_jacobian),
        JVP.endpoint: (derivatives.jvp,),
        VJP.endpoint: (derivatives.vjp,),
        HVP.endpoint: (derivatives.hvp,),
    }
)
"""The function of each endpoint, and its arguments before the body."""


def _in_declared_dtypes(compute: Function, arrays: DifferentiableArrays) -> Function:
    """Convert arrays to the data types of their fields, which JAX may have narrowed."""

    @wraps(compute)  # which keeps the names of its parameters
    def converted(*arguments: Any, **named: Any) -> dict[str, Any]:
        result = compute(*arguments, **named)
        return {path: _in_declared_dtype(arrays, path, found) for path, found in result.items()}

    return converted


def _in_declared_dtype(arrays: DifferentiableArrays, path: str, found: Any) -> Any:
    declared = arrays.declared(path)
    dtype = None if declared is None else declared.dtype
    return tree_util.tree_map(lambda array: _in_dtype(np.asarray(array), dtype), found)


def _in_dtype(array: AnyArray, dtype: np.dtype[Any] | None) -> AnyArray:
    same_kind = dtype is not None and array.dtype.kind == dtype.kind
    return array.astype(dtype, copy=False) if same_kind else array
