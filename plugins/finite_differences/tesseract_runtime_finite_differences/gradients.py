"""The three gradients by any scheme, from evaluations wherever they are computed.

The author's functions and the backend both come through here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed, listed
from tesseract_runtime_finite_differences import jacobian as columns
from tesseract_runtime_finite_differences import jvp, stochastic, vjp
from tesseract_runtime_finite_differences.jacobian import Blocks
from tesseract_runtime_finite_differences.points import AnyArray, Arrays, variables
from tesseract_runtime_finite_differences.scheme import Scheme

_JACOBIANS = {
    "central": columns.jacobian,
    "forward": columns.jacobian,
    "stochastic": stochastic.jacobian,
}
_VECTOR_JACOBIAN_PRODUCTS = {
    "central": vjp.vector_jacobian_product,
    "forward": vjp.vector_jacobian_product,
    "stochastic": stochastic.vector_jacobian_product,
}


def jacobian(
    evaluations: Evaluations,
    inputs: object,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
    scheme: Scheme,
) -> Blocks:
    """Return `{output: {input: array}}` at inputs that the evaluations are based on."""
    compute = _JACOBIANS[scheme.checked().algorithm]
    return compute(evaluations, variables(inputs, jac_inputs), sorted(jac_outputs), scheme)


def jacobian_vector_product(
    evaluations: Evaluations,
    inputs: object,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Return `{output: array}` at inputs that the evaluations are based on."""
    arrays = variables(inputs, jvp_inputs)
    tangents = _keyed(tangent_vector, jvp_inputs, "tangent vector")
    for path, tangent in tangents.items():
        if tangent.dtype.kind not in "biuf" or not np.isfinite(tangent).all():
            raise GradientFailed(f"The tangent of {path!r} must be of finite real numbers.")
        if tangent.shape != arrays[path].shape:
            raise GradientFailed(
                f"The tangent of {path!r} has shape {tangent.shape}, expected "
                f"{arrays[path].shape} as the input has."
            )
    return jvp.jacobian_vector_product(
        evaluations,
        arrays,
        sorted(jvp_outputs),
        {path: tangent.astype(np.float64) for path, tangent in tangents.items()},
        scheme.checked(),
    )


def vector_jacobian_product(
    evaluations: Evaluations,
    inputs: object,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Return `{input: array}` at inputs that the evaluations are based on."""
    compute = _VECTOR_JACOBIAN_PRODUCTS[scheme.checked().algorithm]
    cotangents = _keyed(cotangent_vector, vjp_outputs, "cotangent vector")
    return compute(evaluations, variables(inputs, vjp_inputs), cotangents, scheme)


def _keyed(vector: Mapping[str, Any], paths: Collection[str], noun: str) -> Arrays:
    """Return the arrays of a vector in the order of their paths."""
    if vector.keys() != set(paths):
        raise GradientFailed(
            f"The {noun} has the keys {listed(vector)}, expected {listed(set(paths))}."
        )
    return {path: np.asarray(vector[path]) for path in sorted(paths)}
