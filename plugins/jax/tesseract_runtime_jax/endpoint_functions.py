"""The functions of the gradient backend `jax`, with the arguments of an author's functions.

They compute the same as those of `functions`, except that a Jacobian is computed by rows or by
columns, whichever are fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from jax import tree_util

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Binding
from runtime_core.errors import TesseractRuntimeError
from runtime_core.gradients import JACOBIAN, JVP, VJP
from runtime_core.schemas import DifferentiableArrays
from runtime_core.tesseract import mark_author_errors
from tesseract_runtime_jax import derivatives, transforms
from tesseract_runtime_jax.backend import FUNCTION
from tesseract_runtime_jax.x64 import warn_of_doubles

Function = Callable[..., Any]


def endpoint_function(endpoint: str, binding: Binding) -> Function:
    """Return the function of an endpoint; warn once if the file needs 64 bits that are off.

    Tracing runs the author's code, so every exception but the runtime's own counts as the author's.
    """
    warn_of_doubles(binding.api.input_schema, binding.api.output_schema)
    compute = partial(_FUNCTIONS[endpoint], getattr(binding.api.module, FUNCTION))
    if endpoint != "abstract_eval":
        schemas = binding.schemas
        # The outermost keys of the result are paths of inputs for the VJP alone.
        by_inputs = endpoint == VJP.endpoint
        arrays = schemas.differentiable_inputs if by_inputs else schemas.differentiable_outputs
        compute = partial(_in_declared_dtypes, compute, arrays)
    return mark_author_errors(compute, passing=TesseractRuntimeError)


_FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "abstract_eval": derivatives.abstract_eval,
        JACOBIAN.endpoint: partial(derivatives.jacobian, transforms.cheaper_jacobian),
        JVP.endpoint: derivatives.jvp,
        VJP.endpoint: derivatives.vjp,
    }
)


def _in_declared_dtypes(
    compute: Function, arrays: DifferentiableArrays, /, *arguments: Any, **named: Any
) -> dict[str, Any]:
    """Convert arrays to the data types of their fields, which JAX may have narrowed."""
    result = compute(*arguments, **named)
    return {path: _in_declared_dtype(arrays, path, found) for path, found in result.items()}


def _in_declared_dtype(arrays: DifferentiableArrays, path: str, found: Any) -> Any:
    declared = arrays.declared(path)
    dtype = None if declared is None else declared.dtype
    return tree_util.tree_map(lambda array: _in_dtype(np.asarray(array), dtype), found)


def _in_dtype(array: AnyArray, dtype: np.dtype[Any] | None) -> AnyArray:
    same_kind = dtype is not None and array.dtype.kind == dtype.kind
    return array.astype(dtype, copy=False) if same_kind else array
