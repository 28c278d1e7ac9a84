"""The dot-product test: both products with a vector must come from one Jacobian.

For any tangent t and cotangent c, `<c, J t>` is `<J^T c, t>`. That needs no differences and looks
at all elements at once; a transposed product, or one that lacks a term, does not pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from tesseract_runtime_workbench.check_gradients.gradients import Gradients
from tesseract_runtime_workbench.check_gradients.results import DotProduct
from tesseract_runtime_workbench.check_gradients.selection import Selection
from tesseract_runtime_workbench.check_gradients.vectors import Vector, random_vector, wide

TRIALS = 5
"""So many pairs of random vectors are tried; one may miss a difference by chance."""


def dot_products(
    gradients: Gradients, selection: Selection, random: np.random.Generator, rtol: float
) -> Iterator[DotProduct]:
    """Yield the dot products of random vectors; raises what the endpoints raise."""
    for _ in range(TRIALS):
        tangent = random_vector(selection.inputs, random)
        cotangent = random_vector(selection.outputs, random)
        by_jvp = _terms(cotangent, gradients.jvp(tangent, of=selection.outputs))
        by_vjp = _terms(tangent, gradients.vjp(cotangent, by=selection.inputs))
        yield DotProduct(
            by_jvp=by_jvp.sum().item(),
            by_vjp=by_vjp.sum().item(),
            scale=float(max(np.linalg.norm(by_jvp), np.linalg.norm(by_vjp))),
            rtol=rtol,
        )


def _terms(vector: Mapping[str, Any], product: Vector) -> AnyArray:
    """Return what a dot product adds up; nothing is conjugated."""
    with np.errstate(all="ignore"):  # what is not finite is reported as a failure
        return np.concatenate([(wide(vector[p]) * wide(product[p])).ravel() for p in vector])
