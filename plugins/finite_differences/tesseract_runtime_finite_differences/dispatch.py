"""The three gradients by any scheme, shared by the backend and the functions for authors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from runtime_core.gradients import (
    ResultCheck,
    argument_check,
    each_of,
    expected_shapes,
    shapes_of,
    stack,
)
from tesseract_runtime_finite_differences import compressed, jvp, stochastic
from tesseract_runtime_finite_differences import jacobian as columns
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
    scheme = scheme.checked().at(arrays, jac_outputs)
    blocks: Blocks = _module(scheme).jacobian(evaluations, arrays, sorted(jac_outputs), scheme)
    return blocks


def jacobian_vector_product(
    evaluations: Evaluations,
    inputs: object,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    scheme: Scheme,
    batch: int | None = None,
) -> dict[str, AnyArray]:
    """Differentiate the outputs along the tangent, or each of a batch, by finite differences."""
    arrays = variables(inputs, jvp_inputs)
    expected = expected_shapes(shapes_of(arrays), batch)
    tangents = argument_check("tangent").vector(tangent_vector, expected)
    for path, tangent in tangents.items():
        if tangent.dtype.kind == "c" or not np.isfinite(tangent).all():
            raise GradientFailed(f"The tangent of {path!r} must be of finite real numbers.")
    steps = {path: np.asarray(tangent, np.float64) for path, tangent in tangents.items()}
    each = [steps] if batch is None else [vector for (vector,) in each_of([steps], batch)]
    products = jvp.jacobian_vector_products(
        evaluations, arrays, sorted(jvp_outputs), each, scheme.checked()
    )
    if batch is None:
        return next(products)
    return stack(products, batch, ResultCheck(subject="apply", error=GradientFailed))


def vector_jacobian_product(
    evaluations: Evaluations,
    inputs: object,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    scheme: Scheme,
    batch: int | None = None,
) -> dict[str, AnyArray]:
    """Carry the cotangent, or each of a batch, back to the inputs by finite differences."""
    arrays = variables(inputs, vjp_inputs)
    # The shapes of the outputs are known after the first evaluation.
    expected = expected_shapes(dict.fromkeys(sorted(vjp_outputs), ...))
    cotangents = argument_check("cotangent").vector(cotangent_vector, expected)
    scheme = scheme.checked().at(arrays, vjp_outputs)
    products: dict[str, AnyArray] = _module(scheme).vector_jacobian_product(
        evaluations, arrays, _in_rows(cotangents, batch), scheme
    )
    return products if batch is not None else {path: a[0] for path, a in products.items()}


def _in_rows(cotangents: Mapping[str, Any], batch: int | None) -> dict[str, AnyArray]:
    """Return cotangents with the axis of a batch, which is 1 if there is none."""
    if batch is None:
        return {path: np.asarray(array)[np.newaxis] for path, array in cotangents.items()}
    argument_check("cotangent").check_batch(cotangents, batch)
    return dict(cotangents)


def _module(scheme: Scheme) -> ModuleType:
    if scheme.sparsity is not None:
        return compressed
    return stochastic if scheme.algorithm == "stochastic" else columns
