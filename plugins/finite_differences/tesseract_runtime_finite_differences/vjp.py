"""Products of a cotangent with the Jacobian, which is never held as a whole."""

from __future__ import annotations

import numpy as np

from runtime_core.contracts import Evaluations
from runtime_core.errors import GradientFailed
from tesseract_runtime_finite_differences.columns import columns
from tesseract_runtime_finite_differences.points import AnyArray, Arrays
from tesseract_runtime_finite_differences.scheme import Scheme


def vector_jacobian_product(
    evaluations: Evaluations, inputs: Arrays, cotangents: Arrays, scheme: Scheme
) -> dict[str, AnyArray]:
    """Return the cotangent times the Jacobian, each array of the shape and type of its input."""
    products = {path: np.zeros_like(array) for path, array in inputs.items()}
    for column in columns(evaluations, inputs, sorted(cotangents), scheme):
        products[column.path][column.index] = contracted(cotangents, column.derivatives)
    return products


def contracted(cotangents: Arrays, derivatives: Arrays) -> float:
    """Return the sum over all outputs of cotangent times derivative.

    Of complex outputs it is the real part, for the inputs are real. Raises `GradientFailed` for a
    cotangent that has not the shape of its output.
    """
    return sum(_product(path, cotangents[path], array) for path, array in derivatives.items())


def _product(path: str, cotangent: AnyArray, derivative: AnyArray) -> float:
    if cotangent.shape != derivative.shape:
        raise GradientFailed(
            f"The cotangent of {path!r} has shape {cotangent.shape}, expected {derivative.shape} "
            "as the output has."
        )
    return float(np.real(np.vdot(np.conj(cotangent), derivative)))
