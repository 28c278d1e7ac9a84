"""The three gradients by any scheme, shared by the backend and the functions for authors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import argument_check, expected_shapes, shapes_of, size_of
from tesseract_runtime_finite_differences import jacobian as columns
from tesseract_runtime_finite_differences import jvp, stochastic
from tesseract_runtime_finite_differences.evaluation import variables
from tesseract_runtime_finite_differences.jacobian import Blocks
from tesseract_runtime_finite_differences.scheme import Scheme


def jacobian(
    evaluations: Evaluations,
    inputs: object,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
    scheme: Scheme,
) -> Blocks:
    """Differentiate the outputs by finite differences."""
    arrays = variables(inputs, jac_inputs)
    scheme = scheme.checked().for_elements(size_of(arrays))
    blocks: Blocks = _module(scheme).jacobian(evaluations, arrays, sorted(jac_outputs), scheme)
    return blocks


def jacobian_vector_product(
    evaluations: Evaluations,
    inputs: object,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Differentiate the outputs along the tangent by finite differences."""
    arrays = variables(inputs, jvp_inputs)
    expected = expected_shapes(shapes_of(arrays))
    tangents = argument_check("tangent").vector(tangent_vector, expected)
    for path, tangent in tangents.items():
        if tangent.dtype.kind == "c" or not np.isfinite(tangent).all():
            raise GradientFailed(f"The tangent of {path!r} must be of finite real numbers.")
    steps = {path: np.asarray(tangent, np.float64) for path, tangent in tangents.items()}
    return jvp.jacobian_vector_product(
        evaluations, arrays, sorted(jvp_outputs), steps, scheme.checked()
    )


def vector_jacobian_product(
    evaluations: Evaluations,
    inputs: object,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    scheme: Scheme,
) -> dict[str, AnyArray]:
    """Carry the cotangent back to the inputs by finite differences."""
    arrays = variables(inputs, vjp_inputs)
    # The shapes of the outputs are known after the first evaluation.
    expected = expected_shapes(dict.fromkeys(sorted(vjp_outputs), ...))
    cotangents = argument_check("cotangent").vector(cotangent_vector, expected)
    scheme = scheme.checked().for_elements(size_of(arrays))
    products: dict[str, AnyArray] = _module(scheme).vector_jacobian_product(
        evaluations, arrays, cotangents, scheme
    )
    return products


def _module(scheme: Scheme) -> ModuleType:
    return stochastic if scheme.algorithm == "stochastic" else columns
