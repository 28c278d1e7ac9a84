"""The dot-product tests: products with random vectors that must agree with each other.

For any tangent t and cotangent c, `<c, J t>` equals `<J^T c, t>`, and for tangents s and t the
Hessian of a cotangent has `<s, H t>` equal to `<t, H s>`. That needs no differences and covers all
elements at once; a transposed product, or one that lacks a term, fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.gradients import HVP, JVP, VJP, Vector, to_double
from tesseract_runtime_workbench.check_gradients.check_results import DotProduct
from tesseract_runtime_workbench.check_gradients.endpoint_gradients import EndpointGradients

TRIALS = 5  # pairs of random vectors; one may miss a difference by chance


def dot_products(gradients: EndpointGradients, rtol: float) -> Iterator[DotProduct]:
    """Yield the dot products of both products; raises the errors of the endpoints."""
    inputs, outputs = gradients.selection.inputs, gradients.selection.outputs
    for _ in range(TRIALS):
        tangent = random_vector(inputs, gradients.random)
        cotangent = random_vector(outputs, gradients.random)
        # Each result is read before the next call, which may reuse its arrays.
        by_jvp = terms(cotangent, gradients.call(JVP, inputs, outputs, tangent))
        by_vjp = terms(tangent, gradients.call(VJP, inputs, outputs, cotangent))
        yield DotProduct.of(
            {"<cotangent, J tangent>": by_jvp, "<J^T cotangent, tangent>": by_vjp}, rtol
        )


def symmetries(gradients: EndpointGradients, rtol: float) -> Iterator[DotProduct]:
    """Yield the dot products of a Hessian; raises the errors of the endpoint."""
    inputs, outputs = gradients.selection.inputs, gradients.selection.outputs
    for _ in range(TRIALS):
        one, other = (random_vector(inputs, gradients.random) for _ in "st")
        cotangent = random_vector(outputs, gradients.random)
        by_other = terms(one, gradients.call(HVP, inputs, outputs, cotangent, other))
        by_one = terms(other, gradients.call(HVP, inputs, outputs, cotangent, one))
        yield DotProduct.of({"<s, H t>": by_other, "<t, H s>": by_one}, rtol)


def random_vector(like: Vector, random: np.random.Generator) -> dict[str, Any]:
    """Draw normally distributed numbers with the shapes and data types of a vector."""
    return {
        path: np.asarray(random.standard_normal(array.shape)).astype(array.dtype)[()]
        for path, array in like.items()
    }


def terms(vector: Mapping[str, Any], product: Vector) -> AnyArray:
    """Return the terms of a dot product; nothing is conjugated."""
    with np.errstate(all="ignore"):  # what is not finite is reported as a failure
        return np.concatenate(
            [(to_double(vector[p]) * to_double(product[p])).ravel() for p in vector]
        )
